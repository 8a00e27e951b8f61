package main

import (
	"fmt"
	"go/ast"
	"sort"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"
	"sigs.k8s.io/yaml"
)

const fieldSpecsHeader = `# Where kustomize's transformers act. Made by ` + "`cargo xtask generate`" + ` from the module sigs.k8s.io/kustomize/api; do not edit.
# A line a field spec: transformer, whether it creates, group, version, kind and path; ` + "`*`" + ` is any.
`

const nameReferencesHeader = `# Where objects name other objects. Made by ` + "`cargo xtask generate`" + ` from the module sigs.k8s.io/kustomize/api; do not edit.
# Group, version and kind of what is named, then group, version, kind and path of what names it; ` + "`*`" + ` is any.
`

const kindOrderHeader = `# The kinds that kustomize's legacy order puts first and last. Made by ` + "`cargo xtask generate`" + ` from the module
# sigs.k8s.io/kustomize/api; do not edit.
`

type configuration struct {
	NamePrefix        types.FsSlice     `json:"namePrefix"`
	NameSuffix        types.FsSlice     `json:"nameSuffix"`
	Namespace         types.FsSlice     `json:"namespace"`
	CommonLabels      types.FsSlice     `json:"commonLabels"`
	Labels            types.FsSlice     `json:"labels"`
	TemplateLabels    types.FsSlice     `json:"templateLabels"`
	CommonAnnotations types.FsSlice     `json:"commonAnnotations"`
	NameReference     nameReferenceList `json:"nameReference"`
	VarReference      types.FsSlice     `json:"varReference"`
	Images            types.FsSlice     `json:"images"`
	Replicas          types.FsSlice     `json:"replicas"`
}

type nameReference struct {
	resid.Gvk `json:",inline"`
	Referrers types.FsSlice `json:"fieldSpecs"`
}

type nameReferenceList []nameReference

func (l nameReferenceList) Len() int           { return len(l) }
func (l nameReferenceList) Swap(i, j int)      { l[i], l[j] = l[j], l[i] }
func (l nameReferenceList) Less(i, j int) bool { return l[i].IsLessThan(l[j].Gvk) }

// builtinConfiguration reads the constants that GetDefaultFieldSpecs joins.
func builtinConfiguration(sources *sources) (*configuration, error) {
	function, found := sources.functions["GetDefaultFieldSpecs"]
	if !found {
		return nil, fmt.Errorf("there is no function GetDefaultFieldSpecs")
	}
	var text strings.Builder
	var failure error
	ast.Inspect(function, func(node ast.Node) bool {
		if call, ok := node.(*ast.CallExpr); ok && len(call.Args) == 1 {
			if _, converts := call.Fun.(*ast.ArrayType); converts {
				constant, err := sources.text(call.Args[0])
				if err != nil {
					failure = err
				}
				text.WriteString(constant + "\n")
			}
		}
		return true
	})
	if failure != nil {
		return nil, failure
	}
	var builtin configuration
	if err := yaml.UnmarshalStrict([]byte(text.String()), &builtin); err != nil {
		return nil, err
	}
	for _, list := range []sort.Interface{
		builtin.NamePrefix, builtin.NameSuffix, builtin.Namespace, builtin.CommonLabels, builtin.Labels,
		builtin.TemplateLabels, builtin.CommonAnnotations, builtin.NameReference, builtin.VarReference, builtin.Images,
		builtin.Replicas,
	} {
		sort.Sort(list)
	}
	return &builtin, nil
}

func fieldSpecs(sources *sources) (string, error) {
	builtin, err := builtinConfiguration(sources)
	if err != nil {
		return "", err
	}
	sets := []struct {
		name  string
		specs types.FsSlice
	}{
		{"namePrefix", builtin.NamePrefix},
		{"nameSuffix", builtin.NameSuffix},
		{"namespace", builtin.Namespace},
		{"commonLabels", builtin.CommonLabels},
		{"labels", builtin.Labels},
		{"templateLabels", builtin.TemplateLabels},
		{"commonAnnotations", builtin.CommonAnnotations},
		{"varReference", builtin.VarReference},
		{"images", builtin.Images},
		{"replicas", builtin.Replicas},
	}
	text := fieldSpecsHeader
	for _, set := range sets {
		for _, spec := range set.specs {
			creates := "finds"
			if spec.CreateIfNotPresent {
				creates = "creates"
			}
			text += fmt.Sprintf("%s %s %s %s\n", set.name, creates, pattern(spec.Gvk), spec.Path)
		}
	}
	for _, skipped := range []struct{ set, name string }{
		{"namePrefixSkips", "prefixFieldSpecsToSkip"},
		{"nameSuffixSkips", "suffixFieldSpecsToSkip"},
	} {
		literal, err := sources.composite(skipped.name)
		if err != nil {
			return "", err
		}
		for _, element := range literal.Elts {
			parts := fields(element)
			kind := resid.Gvk{Group: parts["Group"], Version: parts["Version"], Kind: parts["Kind"]}
			text += fmt.Sprintf("%s finds %s *\n", skipped.set, pattern(kind))
		}
	}
	return text, nil
}

func nameReferences(sources *sources) (string, error) {
	builtin, err := builtinConfiguration(sources)
	if err != nil {
		return "", err
	}
	text := nameReferencesHeader
	for _, reference := range builtin.NameReference {
		for _, spec := range reference.Referrers {
			if spec.CreateIfNotPresent {
				return "", fmt.Errorf("a name reference to %s creates %s", reference.Kind, spec.Path)
			}
			text += fmt.Sprintf("%s %s %s\n", pattern(reference.Gvk), pattern(spec.Gvk), spec.Path)
		}
	}
	return text, nil
}

func kindOrder(sources *sources) (string, error) {
	text := kindOrderHeader
	for _, list := range []struct{ place, name, again string }{
		{"first", "defaultOrderFirst", "orderFirst"},
		{"last", "defaultOrderLast", "orderLast"},
	} {
		literal, err := sources.composite(list.name)
		if err != nil {
			return "", err
		}
		again, err := sources.composite(list.again)
		if err != nil {
			return "", err
		}
		for i, element := range literal.Elts {
			kind, err := sources.text(element)
			if err != nil {
				return "", err
			}
			same, err := sources.text(again.Elts[i])
			if err != nil || same != kind || len(again.Elts) != len(literal.Elts) {
				return "", fmt.Errorf("%s and %s differ: %v", list.name, list.again, err)
			}
			text += list.place + " " + kind + "\n"
		}
	}
	return text, nil
}

func pattern(kind resid.Gvk) string {
	words := []string{kind.Group, kind.Version, kind.Kind}
	for i, word := range words {
		if word == "" {
			words[i] = "*"
		}
	}
	return strings.Join(words, " ")
}
