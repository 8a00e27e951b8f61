package main

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/kustomize/kyaml/openapi/kustomizationapi"
)

const (
	kindExtension     = "x-kubernetes-group-version-kind"
	strategyExtension = "x-kubernetes-patch-strategy"
	mergeKeyExtension = "x-kubernetes-patch-merge-key"
	mapKeysExtension  = "x-kubernetes-list-map-keys"
)

const definitionsHeader = `# What kyaml knows of the shapes of Kubernetes' kinds. Made by ` + "`cargo xtask generate`" + ` from the module
# sigs.k8s.io/kustomize/kyaml; do not edit. A line a definition: its name, ` + "`@apiVersion,kind`" + ` for each kind that it is, and
# its properties. A property is its name, and after a colon what it holds: nothing (a scalar, or unknown), a definition,
# ` + "`[]T`" + ` a list of it, ` + "`{}T`" + ` a mapping from any key to it. ` + "`!strategy!keys`" + ` is how a patch merges it. A property without a name
# is the definition itself.
`

// definitions are those of Kubernetes, and those of kustomize's own kinds.
func definitions() (builtin, kustomization string, err error) {
	asset, err := kustomizationapi.Asset("kustomizationapi/swagger.json")
	if err != nil {
		return "", "", err
	}
	var own struct{ Definitions map[string]json.RawMessage }
	if err := json.Unmarshal(asset, &own); err != nil {
		return "", "", err
	}
	builtin, kustomization = definitionsHeader, definitionsHeader
	all := openapi.Schema().Definitions
	for _, name := range sorted(all) {
		line, err := definition(name, all[name])
		if err != nil {
			return "", "", err
		}
		if _, found := own.Definitions[name]; found {
			kustomization += line
		} else {
			builtin += line
		}
	}
	return builtin, kustomization, nil
}

func definition(name string, schema spec.Schema) (string, error) {
	words := []string{name}
	for _, kind := range kinds(schema) {
		words = append(words, "@"+kind.APIVersion+","+kind.Kind)
	}
	self, err := described(spec.Schema{VendorExtensible: extensionsWithout(schema, kindExtension), SchemaProps: spec.SchemaProps{
		Ref: schema.Ref, Type: schema.Type, Items: schema.Items, AdditionalProperties: schema.AdditionalProperties,
	}})
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	if self != "" {
		words = append(words, ":"+self)
	}
	for _, property := range sorted(schema.Properties) {
		holds, err := described(schema.Properties[property])
		if err != nil {
			return "", fmt.Errorf("%s.%s: %w", name, property, err)
		}
		if strings.ContainsAny(property, " :!@") {
			return "", fmt.Errorf("%s.%s: the name cannot be written in the table", name, property)
		}
		if holds != "" {
			property += ":" + holds
		}
		words = append(words, property)
	}
	return strings.Join(words, " ") + "\n", nil
}

// described is what a property holds and how it is merged. Beside a reference nothing else counts.
func described(schema spec.Schema) (string, error) {
	if schema.Ref.String() != "" {
		return strings.TrimPrefix(schema.Ref.String(), "#/definitions/"), nil
	}
	if len(schema.Properties) > 0 || len(schema.Type) > 1 || len(schema.AllOf) > 0 {
		return "", fmt.Errorf("a shape that the table cannot say")
	}
	holds := ""
	if schema.Items != nil {
		inner, err := described(*schema.Items.Schema)
		if err != nil || strings.Contains(inner, "!") || len(schema.Type) != 1 || schema.Type[0] != "array" {
			return "", fmt.Errorf("items that the table cannot say: %v", err)
		}
		holds = "[]" + inner
	}
	if schema.AdditionalProperties != nil && schema.AdditionalProperties.Schema != nil {
		inner, err := described(*schema.AdditionalProperties.Schema)
		if err != nil || strings.Contains(inner, "!") || holds != "" {
			return "", fmt.Errorf("additional properties that the table cannot say: %v", err)
		}
		holds = "{}" + inner
	}
	strategy, keys := (&openapi.ResourceSchema{Schema: &schema}).PatchStrategyAndKeyList()
	if strategy != "" {
		holds += "!" + strategy
		if len(keys) > 0 {
			holds += "!" + strings.Join(keys, ",")
		}
	}
	return holds, nil
}

func extensionsWithout(schema spec.Schema, key string) spec.VendorExtensible {
	kept := spec.VendorExtensible{}
	for name, value := range schema.Extensions {
		if name != key {
			kept.AddExtension(name, value)
		}
	}
	return kept
}

type typeMeta struct{ APIVersion, Kind string }

// kinds are those that a definition is, sorted.
func kinds(schema spec.Schema) []typeMeta {
	var kinds []typeMeta
	listed, _ := schema.Extensions[kindExtension].([]interface{})
	for _, entry := range listed {
		parts := entry.(map[string]interface{})
		apiVersion := parts["version"].(string)
		if group, _ := parts["group"].(string); group != "" {
			apiVersion = group + "/" + apiVersion
		}
		kinds = append(kinds, typeMeta{apiVersion, parts["kind"].(string)})
	}
	sort.Slice(kinds, func(i, j int) bool { return kinds[i].before(kinds[j]) })
	return kinds
}

func (t typeMeta) before(other typeMeta) bool {
	if t.APIVersion != other.APIVersion {
		return t.APIVersion < other.APIVersion
	}
	return t.Kind < other.Kind
}

func sorted[T any](values map[string]T) []string {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
