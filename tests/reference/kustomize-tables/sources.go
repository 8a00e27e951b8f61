package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// sources are the declarations of packages that cannot be imported.
type sources struct {
	values    map[string]ast.Expr
	functions map[string]*ast.FuncDecl
}

var sourceFiles = map[string][]string{
	"sigs.k8s.io/kustomize/api": {
		"internal/konfig/builtinpluginconsts/*.go",
		"internal/builtins/SortOrderTransformer.go",
		"internal/builtins/PrefixTransformer.go",
		"internal/builtins/SuffixTransformer.go",
	},
	"sigs.k8s.io/kustomize/kyaml": {"openapi/openapi.go", "resid/gvk.go"},
}

func readSources() (*sources, error) {
	sources := &sources{map[string]ast.Expr{}, map[string]*ast.FuncDecl{}}
	for module, patterns := range sourceFiles {
		folder, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
		if err != nil {
			return nil, fmt.Errorf("finding the module %s: %w", module, err)
		}
		for _, pattern := range patterns {
			files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(folder)), pattern))
			if err != nil || len(files) == 0 {
				return nil, fmt.Errorf("%s has no %s", module, pattern)
			}
			for _, file := range files {
				if err := sources.read(file); err != nil {
					return nil, err
				}
			}
		}
	}
	return sources, nil
}

func (s *sources) read(path string) error {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		return err
	}
	for _, declaration := range file.Decls {
		switch declaration := declaration.(type) {
		case *ast.FuncDecl:
			s.functions[declaration.Name.Name] = declaration
		case *ast.GenDecl:
			for _, specification := range declaration.Specs {
				if value, ok := specification.(*ast.ValueSpec); ok && len(value.Values) == len(value.Names) {
					for i, name := range value.Names {
						s.values[name.Name] = value.Values[i]
					}
				}
			}
		}
	}
	return nil
}

// text is a constant made of literals, other constants and `+`.
func (s *sources) text(expression ast.Expr) (string, error) {
	switch expression := expression.(type) {
	case *ast.BasicLit:
		return strconv.Unquote(expression.Value)
	case *ast.Ident:
		value, found := s.values[expression.Name]
		if !found {
			return "", fmt.Errorf("there is no constant %s", expression.Name)
		}
		return s.text(value)
	case *ast.BinaryExpr:
		left, err := s.text(expression.X)
		if err != nil {
			return "", err
		}
		right, err := s.text(expression.Y)
		return left + right, err
	default:
		return "", fmt.Errorf("%T is no text", expression)
	}
}

func (s *sources) composite(name string) (*ast.CompositeLit, error) {
	value, ok := s.values[name].(*ast.CompositeLit)
	if !ok {
		return nil, fmt.Errorf("there is no composite %s", name)
	}
	return value, nil
}

// fields are the texts in a literal of a struct, those in inner ones too.
func fields(literal ast.Expr) map[string]string {
	found := map[string]string{}
	ast.Inspect(literal, func(node ast.Node) bool {
		if pair, ok := node.(*ast.KeyValueExpr); ok {
			if text, ok := pair.Value.(*ast.BasicLit); ok {
				found[pair.Key.(*ast.Ident).Name], _ = strconv.Unquote(text.Value)
			}
		}
		return true
	})
	return found
}
