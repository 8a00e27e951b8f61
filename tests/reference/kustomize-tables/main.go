// Command kustomize-tables prints what kustomize and kyaml have built in, as the tables of core/kustomize-build: one JSON
// object from the name of a file to its content. `cargo xtask generate` runs it and writes the files.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	tables, err := tables()
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(tables)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func tables() (map[string]string, error) {
	sources, err := readSources()
	if err != nil {
		return nil, err
	}
	specs, err := fieldSpecs(sources)
	if err != nil {
		return nil, err
	}
	references, err := nameReferences(sources)
	if err != nil {
		return nil, err
	}
	order, err := kindOrder(sources)
	if err != nil {
		return nil, err
	}
	builtin, kustomization, err := definitions()
	if err != nil {
		return nil, err
	}
	scopes, err := scopes(sources)
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"definitions.txt":     builtin,
		"field_specs.txt":     specs,
		"kind_order.txt":      order,
		"kustomization.txt":   kustomization,
		"lookups.txt":         lookups(),
		"name_references.txt": references,
		"scopes.txt":          scopes,
	}, nil
}
