//go:build !race

package steady

const race = false
