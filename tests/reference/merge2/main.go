// What kustomize makes of an object and a patch, asked over standard input and output: a JSON object a line each way.
//
// A question has a target and a patch as texts and says which way the patch comes:
//
//	named     a strategic merge patch that finds its object by name (patches without target)
//	selected  a strategic merge patch with a target (patches with target, patchesStrategicMerge)
//	json      a JSON patch (patches, patchesJson6902)
//	select    no patch, but a selector: whether it chooses the target
//	text      no patch: whether go-yaml v2 reads the target, a plain scalar, as a text
//
// Answers have the trees of what was read and of what came out, as go-yaml v3's nodes.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/filters/patchjson6902"
	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// Question is one line of standard input.
type Question struct {
	Way             string          `json:"way"`
	Target          string          `json:"target"`
	Patch           string          `json:"patch"`
	AllowNameChange bool            `json:"allowNameChange"`
	AllowKindChange bool            `json:"allowKindChange"`
	Selector        *types.Selector `json:"selector"`
}

// Answer is one line of standard output.
type Answer struct {
	// Target is what was read, before anything was done to it.
	Target *Tree `json:"target,omitempty"`
	// Patches are the documents of the patch.
	Patches []Tree `json:"patches,omitempty"`
	// Result is nothing where the object was deleted.
	Result  *Tree  `json:"result,omitempty"`
	Printed string `json:"printed,omitempty"`
	// PrintError is set where the result cannot be printed.
	PrintError string `json:"printError,omitempty"`
	Chosen     bool   `json:"chosen,omitempty"`
	// Unreadable is set where the question itself is wrong.
	Unreadable string `json:"unreadable,omitempty"`
	Error      string `json:"error,omitempty"`
}

// Tree is a node of go-yaml v3.
type Tree struct {
	Kind    string `json:"kind"`
	Tag     string `json:"tag,omitempty"`
	Style   string `json:"style,omitempty"`
	Tagged  bool   `json:"tagged,omitempty"`
	Value   string `json:"value,omitempty"`
	Head    string `json:"head,omitempty"`
	Line    string `json:"line,omitempty"`
	Foot    string `json:"foot,omitempty"`
	Content []Tree `json:"content,omitempty"`
}

var kinds = map[yaml.Kind]string{
	0: "nothing", yaml.ScalarNode: "scalar", yaml.SequenceNode: "sequence", yaml.MappingNode: "mapping",
}

var styles = []struct {
	style yaml.Style
	name  string
}{
	{yaml.DoubleQuotedStyle, "double"},
	{yaml.SingleQuotedStyle, "single"},
	{yaml.LiteralStyle, "literal"},
	{yaml.FoldedStyle, "folded"},
	{yaml.FlowStyle, "flow"},
}

func tree(node *yaml.Node) Tree {
	if node.Kind == yaml.DocumentNode {
		return tree(node.Content[0])
	}
	result := Tree{
		Kind: kinds[node.Kind], Tag: node.Tag, Tagged: node.Style&yaml.TaggedStyle != 0, Value: node.Value,
		Head: node.HeadComment, Line: node.LineComment, Foot: node.FootComment,
	}
	for _, candidate := range styles {
		if node.Style&candidate.style != 0 {
			result.Style = candidate.name
		}
	}
	for _, child := range node.Content {
		result.Content = append(result.Content, tree(child))
	}
	return result
}

var factory = provider.NewDefaultDepProvider().GetResourceFactory()

func answer(question Question) (result Answer) {
	defer func() {
		if why := recover(); why != nil {
			result.Error = fmt.Sprintf("panic: %v", why)
		}
	}()
	if question.Way == "text" {
		node := yaml.Node{Kind: yaml.ScalarNode, Value: question.Target}
		result.Chosen = !kyaml.IsYaml1_1NonString(&node)
		return result
	}
	objects, err := resmap.NewFactory(factory).NewResMapFromBytes([]byte(question.Target))
	if err != nil || objects.Size() != 1 {
		result.Unreadable = fmt.Sprintf("%d objects, %v", objects.Size(), err)
		return result
	}
	before := tree(objects.Resources()[0].YNode())
	result.Target = &before
	if err := change(objects, question, &result); err != nil {
		result.Error = err.Error()
		return result
	}
	objects.DropEmpties()
	if objects.Size() == 0 {
		return result
	}
	object := objects.Resources()[0]
	after := tree(object.YNode())
	result.Result = &after
	object.RemoveBuildAnnotations()
	printed, err := object.AsYAML()
	if err != nil {
		result.PrintError = err.Error()
	}
	result.Printed = string(printed)
	return result
}

func change(objects resmap.ResMap, question Question, result *Answer) error {
	switch question.Way {
	case "select":
		chosen, err := objects.Select(*question.Selector)
		result.Chosen = len(chosen) > 0
		return err
	case "json":
		object := objects.Resources()[0]
		if err := object.ApplyFilter(patchjson6902.Filter{Patch: question.Patch}); err != nil {
			return err
		}
		return object.SetAnnotations(object.GetAnnotations())
	}
	patches, err := factory.SliceFromBytes([]byte(question.Patch))
	if err != nil {
		result.Unreadable = err.Error()
		return err
	}
	for _, patch := range patches {
		result.Patches = append(result.Patches, tree(patch.YNode()))
	}
	for _, patch := range patches {
		if question.AllowNameChange {
			patch.AllowNameChange()
		}
		if question.AllowKindChange {
			patch.AllowKindChange()
		}
		if err := merge(objects, question.Way, patch); err != nil {
			return err
		}
	}
	return nil
}

func merge(objects resmap.ResMap, way string, patch *resource.Resource) error {
	if way == "selected" {
		selected, err := objects.Select(types.Selector{})
		if err != nil {
			return err
		}
		return objects.ApplySmPatch(resource.MakeIdSet(selected), patch)
	}
	target, err := objects.GetById(patch.OrgId())
	if err != nil {
		return err
	}
	return target.ApplySmPatch(patch)
}

func main() {
	questions := bufio.NewReaderSize(os.Stdin, 1<<20)
	answers := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(answers)
	encoder.SetEscapeHTML(false)
	for {
		line, err := questions.ReadString('\n')
		if strings.TrimSpace(line) == "" && err != nil {
			break
		}
		var question Question
		result := Answer{}
		if problem := json.Unmarshal([]byte(line), &question); problem != nil {
			result.Unreadable = problem.Error()
		} else {
			result = answer(question)
		}
		if err := encoder.Encode(result); err != nil {
			panic(err)
		}
		if err := answers.Flush(); err != nil {
			panic(err)
		}
	}
}
