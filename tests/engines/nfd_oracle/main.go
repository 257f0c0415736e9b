// Says what Node Feature Discovery itself makes of the test vectors in tests/core/vectors.
//
// Reads a JSON list of vectors on standard input and prints a JSON object: the answer of NFD by vector id. One
// expression answers "true", "false" or "error". A document answers the results of its rules in order, joined by a
// space, the sets joined by " | ", or "error" or "panic" where `nfd compat validate-node` would end that way.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	compat "sigs.k8s.io/node-feature-discovery/api/image-compatibility/v1alpha1"
	nfd "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/node-feature-discovery/pkg/apis/nfd/nodefeaturerule"
	"sigs.k8s.io/yaml"
)

type vector struct {
	ID       string              `json:"id"`
	Level    string              `json:"level"`
	Expr     nfd.MatchExpression `json:"expr"`
	Input    input               `json:"input"`
	Document string              `json:"document"`
	Features json.RawMessage     `json:"features"`
	Tag      string              `json:"tag"`
}

// What could not be determined is absent to NFD.
type input struct {
	Present bool    `json:"present"`
	Value   *string `json:"value"`
}

func main() {
	var vectors []vector
	if err := json.NewDecoder(os.Stdin).Decode(&vectors); err != nil {
		fmt.Fprintln(os.Stderr, "nfd_oracle: vectors on standard input:", err)
		os.Exit(1)
	}
	answers := make(map[string]string, len(vectors))
	for _, one := range vectors {
		answers[one.ID] = answer(one)
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		fmt.Fprintln(os.Stderr, "nfd_oracle: standard output:", err)
		os.Exit(1)
	}
}

func answer(one vector) (text string) {
	defer func() {
		if recover() != nil {
			text = "panic"
		}
	}()
	if one.Level == "expression" {
		return expression(one)
	}
	return document(one)
}

func expression(one vector) string {
	set := &nfd.MatchExpressionSet{"element": &one.Expr}
	var matched bool
	var err error
	if one.Input.Present && one.Input.Value == nil {
		matched, err = nodefeaturerule.MatchKeys(set, map[string]nfd.Nil{"element": {}})
	} else {
		values := map[string]string{}
		if one.Input.Present {
			values["element"] = *one.Input.Value
		}
		matched, _, err = nodefeaturerule.MatchValues(set, values, true)
	}
	if err != nil {
		return "error"
	}
	return fmt.Sprint(matched)
}

// document follows nodeValidator.Execute of pkg/client-nfd/compat/node-validator.
func document(one vector) string {
	var spec compat.Spec
	if err := yaml.Unmarshal([]byte(one.Document), &spec); err != nil {
		return "error"
	}
	features := nfd.NewFeatures()
	if err := json.Unmarshal(one.Features, features); err != nil {
		return "error"
	}
	sets := []string{}
	for _, set := range spec.Compatibilties {
		if one.Tag != "" && set.Tag != one.Tag {
			continue
		}
		results := []string{}
		for _, rule := range set.Rules {
			output, err := nodefeaturerule.ExecuteGroupRule(&rule, features, false)
			if err != nil {
				return "error"
			}
			results = append(results, fmt.Sprint(output.MatchStatus.IsMatch))
			features.InsertAttributeFeatures(nfd.RuleBackrefDomain, nfd.RuleBackrefFeature, output.Vars)
		}
		sets = append(sets, strings.Join(results, " "))
	}
	return strings.Join(sets, " | ")
}
