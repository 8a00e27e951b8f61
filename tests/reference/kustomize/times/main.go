// How long the pinned kustomize takes as a library: `times TREE PATH TIMES [reset]` builds PATH in the folder TREE, held in
// memory, once without counting and then TIMES times, and prints the nanoseconds of each. With "reset" the builtin schema is
// read anew before each build, as Flux does.
package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/openapi"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "times:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) < 3 {
		return fmt.Errorf("say TREE PATH TIMES [reset]")
	}
	times, err := strconv.Atoi(arguments[2])
	if err != nil {
		return err
	}
	tree, err := load(arguments[0])
	if err != nil {
		return err
	}
	reset := len(arguments) > 3
	for i := 0; i <= times; i++ {
		begin := time.Now()
		if reset {
			openapi.ResetOpenAPI()
		}
		objects, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(tree, arguments[1])
		if err != nil {
			return err
		}
		if _, err := objects.AsYaml(); err != nil {
			return err
		}
		if i > 0 {
			fmt.Println(time.Since(begin).Nanoseconds())
		}
	}
	return nil
}

func load(folder string) (filesys.FileSystem, error) {
	tree := filesys.MakeFsInMemory()
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return tree.WriteFile(name, content)
	})
	return tree, err
}
