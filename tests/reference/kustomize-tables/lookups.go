package main

import (
	"fmt"
	"hash/fnv"
	"io"
	"sort"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/openapi"
)

const lookupsHeader = `# What kyaml answers for every kind that it knows, to judge ours by. Made by ` + "`cargo xtask generate`" + `; do not edit.
# A line a kind: apiVersion, kind, scope, the places down to eight steps below it (fields, ` + "`*`" + ` for any other, ` + "`[]`" + `
# for elements), and the FNV-1a digest of a line a place, sorted: path, tab, strategy, tab, keys. In full for some kinds: the
# places that are merged.
`

const stepsMax = 8

// inFull are the kinds whose merged places are listed.
var inFull = []typeMeta{{"v1", "Pod"}, {"v1", "Service"}, {"apps/v1", "StatefulSet"}, {"networking.k8s.io/v1", "Ingress"}}

func lookups() string {
	known := map[typeMeta]bool{}
	for _, schema := range openapi.Schema().Definitions {
		for _, kind := range kinds(schema) {
			known[kind] = true
		}
	}
	var all []typeMeta
	for kind := range known {
		all = append(all, kind)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].before(all[j]) })
	text := lookupsHeader
	for _, kind := range all {
		digest, places := fnv.New64a(), 0
		visit(kind, func(line string) {
			places++
			_, _ = io.WriteString(digest, line+"\n")
		})
		namespaced, found := openapi.IsNamespaceScoped(typeMetaOf(kind))
		text += fmt.Sprintf("%s %s %s %d %016x\n", kind.APIVersion, kind.Kind, scope(namespaced, found), places, digest.Sum64())
	}
	for _, kind := range inFull {
		visit(kind, func(line string) {
			if !strings.HasSuffix(line, "\t\t") {
				text += kind.APIVersion + " " + kind.Kind + " " + strings.ReplaceAll(line, "\t", " ") + "\n"
			}
		})
	}
	return text
}

// visit tells every place below a kind.
func visit(kind typeMeta, tell func(line string)) {
	var below func(schema *openapi.ResourceSchema, path []string)
	below = func(schema *openapi.ResourceSchema, path []string) {
		strategy, keys := schema.PatchStrategyAndKeyList()
		tell(strings.Join(path, ".") + "\t" + strategy + "\t" + strings.Join(keys, ","))
		if len(path) == stepsMax {
			return
		}
		steps := sorted(schema.Schema.Properties)
		if schema.Schema.AdditionalProperties != nil {
			steps = append(steps, "*")
		}
		steps = append(steps, openapi.Elements)
		sort.Strings(steps)
		for _, step := range steps {
			if next := schema.Lookup(step); next != nil {
				below(next, append(path[:len(path):len(path)], step))
			}
		}
	}
	below(openapi.SchemaForResourceType(typeMetaOf(kind)), nil)
}
