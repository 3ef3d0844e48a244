package library

import (
	"context"
	"sync"
)

// budgetBytes is how much of files and decoded pictures may be in memory. One picture that takes more is read while nothing else is.
const budgetBytes = 384 << 20

// A budget bounds what is in memory. What a job holds is at most the whole of it, so that every job gets through alone.
type budget struct {
	ctx  context.Context
	mu   sync.Mutex
	room *sync.Cond
	used int64
}

func newBudget(ctx context.Context) (b *budget, stop func() bool) {
	b = &budget{ctx: ctx}
	b.room = sync.NewCond(&b.mu)
	return b, context.AfterFunc(ctx, func() { b.mu.Lock(); b.room.Broadcast(); b.mu.Unlock() })
}

// take waits until a job may hold so many bytes in place of what it holds. A job that holds something gives it back while it waits, so
// that no two wait for each other.
func (b *budget) take(j *job, bytes int64) {
	bytes = min(max(bytes, 1<<16), budgetBytes)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= j.held
	b.room.Broadcast()
	for b.used > 0 && b.used+bytes > budgetBytes && b.ctx.Err() == nil {
		b.room.Wait()
	}
	j.held = bytes
	b.used += bytes
}

// settle says what a job turned out to hold.
func (b *budget) settle(j *job, bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used += bytes - j.held
	j.held = bytes
	b.room.Broadcast()
}
