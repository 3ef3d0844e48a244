package fusion_test

import (
	"context"
	"fmt"

	"github.com/chiasm/chiasm/fusion"
)

// Whether two modalities agree is known only to what sees both.
func ExampleAdvisor() {
	data := fusion.Generate(fusion.Synergistic, 400, 7)
	advisor := fusion.Advisor{
		Methods:  []fusion.Method{fusion.Late, fusion.EarlyConcat, fusion.LowRank},
		Training: fusion.Training{Steps: 150, Seed: 1},
	}
	advice, err := advisor.Advise(context.Background(), data)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(advice.Recommendation.How)
	// Output: interactive
}

// A decision is there after the first modality, and better after the second.
func ExampleModel_Decide() {
	data := fusion.Generate(fusion.Redundant, 300, 7)
	model, err := fusion.New(fusion.Config{Method: fusion.Late, Task: data.Task, Modalities: data.Modalities})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	if _, err := (fusion.Training{}).Fit(ctx, model, data.With(data.Samples[:200]), data.With(data.Samples[200:299])); err != nil {
		fmt.Println(err)
		return
	}
	model.Rule = fusion.Product
	decision, sample := model.Decide(0), data.Samples[299]
	for m := range data.Modalities {
		answer, err := decision.Add(ctx, m, sample.Features[m])
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(answer[sample.Class] > 0.5)
	}
	// Output:
	// true
	// true
}
