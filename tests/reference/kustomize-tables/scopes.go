package main

import (
	"fmt"
	"go/ast"
	"sort"

	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

const scopesHeader = `# Which kinds kyaml knows to have namespaces, and which to have none. Made by ` + "`cargo xtask generate`" + ` from the module
# sigs.k8s.io/kustomize/kyaml; do not edit. Sorted by kind: kind, apiVersion, scope.
`

// scopes are those that kyaml asks before it asks a schema. The schema that is built in may add nothing to them.
func scopes(sources *sources) (string, error) {
	entries, err := sources.composite("precomputedIsNamespaceScoped")
	if err != nil {
		return "", err
	}
	known := map[typeMeta]bool{}
	for _, entry := range entries.Elts {
		pair := entry.(*ast.KeyValueExpr)
		fields := fields(pair.Key)
		known[typeMeta{fields["APIVersion"], fields["Kind"]}] = pair.Value.(*ast.Ident).Name == "true"
	}
	var lines []string
	for kind, namespaced := range known {
		asked, found := openapi.IsNamespaceScoped(yaml.TypeMeta(typeMetaOf(kind)))
		if !found || asked != namespaced {
			return "", fmt.Errorf("the scope of %v is not what kyaml answers", kind)
		}
		lines = append(lines, fmt.Sprintf("%s %s %s\n", kind.Kind, kind.APIVersion, scope(asked, found)))
	}
	sort.Strings(lines)
	for _, schema := range openapi.Schema().Definitions {
		for _, kind := range kinds(schema) {
			_, listed := known[kind]
			if _, found := openapi.IsNamespaceScoped(typeMetaOf(kind)); found != listed {
				return "", fmt.Errorf("the schema knows the scope of %v, and the table of scopes does not", kind)
			}
		}
	}
	text := scopesHeader
	for _, line := range lines {
		text += line
	}
	return text, nil
}

func typeMetaOf(kind typeMeta) yaml.TypeMeta {
	return yaml.TypeMeta{APIVersion: kind.APIVersion, Kind: kind.Kind}
}

func scope(namespaced, found bool) string {
	switch {
	case !found:
		return "unknown"
	case namespaced:
		return "namespaced"
	default:
		return "cluster"
	}
}
