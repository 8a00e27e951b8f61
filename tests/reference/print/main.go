// What kustomize and the YAML libraries below it print, asked over standard input and output.
//
// A request is a letter, a length of four bytes (big endian) and a text; the answer is a length and a JSON object.
//
//	Y  a YAML file with one object, read as kustomize reads resources
//	T  a tree of nodes as JSON, as the answers to Y have it
//	V  a YAML document in the dialect of sigs.k8s.io/yaml
//
// With a NAME.yaml as argument it answers Y for it, in files beside it: NAME.tree (the tree, JSON), NAME.text (go-yaml v3's
// text of it) and NAME.out (what kustomize prints) or NAME.error (why it does not).
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
	k8syaml "sigs.k8s.io/yaml"
)

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

// Answer is what is known of one request; an error stands for what could not be had.
type Answer struct {
	Tree        *Tree  `json:"tree,omitempty"`
	Error       string `json:"error,omitempty"`
	Object      string `json:"object,omitempty"`
	ObjectError string `json:"objectError,omitempty"`
	JSON        string `json:"json,omitempty"`
	JSONError   string `json:"jsonError,omitempty"`
	Text        string `json:"text,omitempty"`
	TextError   string `json:"textError,omitempty"`
}

var kinds = map[yaml.Kind]string{yaml.ScalarNode: "scalar", yaml.SequenceNode: "sequence", yaml.MappingNode: "mapping"}

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

func treeOf(node *yaml.Node) Tree {
	tree := Tree{
		Kind: kinds[node.Kind], Tag: node.Tag, Tagged: node.Style&yaml.TaggedStyle != 0, Value: node.Value,
		Head: node.HeadComment, Line: node.LineComment, Foot: node.FootComment,
	}
	for _, style := range styles {
		if node.Style&style.style != 0 {
			tree.Style = style.name
		}
	}
	for _, child := range node.Content {
		tree.Content = append(tree.Content, treeOf(child))
	}
	return tree
}

func (tree *Tree) node() *yaml.Node {
	node := &yaml.Node{
		Tag: tree.Tag, Value: tree.Value, HeadComment: tree.Head, LineComment: tree.Line, FootComment: tree.Foot,
	}
	for kind, name := range kinds {
		if name == tree.Kind {
			node.Kind = kind
		}
	}
	for _, style := range styles {
		if style.name == tree.Style {
			node.Style |= style.style
		}
	}
	if tree.Tagged {
		node.Style |= yaml.TaggedStyle
	}
	for i := range tree.Content {
		node.Content = append(node.Content, tree.Content[i].node())
	}
	return node
}

// guarded turns a panic of what is asked into an error.
func guarded(ask func() (string, error)) (text, failure string) {
	defer func() {
		if reason := recover(); reason != nil {
			text, failure = "", fmt.Sprintf("panic: %v", reason)
		}
	}()
	text, err := ask()
	if err != nil {
		return "", err.Error()
	}
	return text, ""
}

func describe(node *yaml.Node, answer *Answer) {
	answer.Text, answer.TextError = guarded(func() (string, error) { return kyaml.NewRNode(node).String() })
	answer.JSON, answer.JSONError = guarded(func() (string, error) {
		text, err := kyaml.NewRNode(node).MarshalJSON()
		return string(text), err
	})
}

// printed is the end of a build: build metadata is removed, then the object is printed.
func printed(objects resmap.ResMap) (string, error) {
	objects.RemoveBuildAnnotations()
	if err := objects.RemoveOriginAnnotations(); err != nil {
		return "", err
	}
	if err := objects.RemoveTransformerAnnotations(); err != nil {
		return "", err
	}
	text, err := objects.AsYaml()
	return string(text), err
}

func ofText(text []byte, answer *Answer) {
	factory := resmap.NewFactory(provider.NewDefaultDepProvider().GetResourceFactory())
	var objects resmap.ResMap
	_, answer.Error = guarded(func() (string, error) {
		var err error
		objects, err = factory.NewResMapFromBytes(text)
		if err == nil && objects.Size() != 1 {
			err = fmt.Errorf("%d objects", objects.Size())
		}
		return "", err
	})
	if answer.Error != "" {
		return
	}
	node := objects.Resources()[0].YNode()
	tree := treeOf(node)
	answer.Tree = &tree
	describe(node, answer)
	answer.Object, answer.ObjectError = guarded(func() (string, error) { return printed(objects) })
}

func ofTree(text []byte, answer *Answer) {
	var tree Tree
	if err := json.Unmarshal(text, &tree); err != nil {
		answer.Error = err.Error()
		return
	}
	describe(tree.node(), answer)
	answer.Object, answer.ObjectError = guarded(func() (string, error) {
		object := &resource.Resource{RNode: *kyaml.NewRNode(tree.node())}
		object.RemoveBuildAnnotations()
		if err := object.SetOrigin(nil); err != nil {
			return "", err
		}
		if err := object.ClearTransformations(); err != nil {
			return "", err
		}
		text, err := object.AsYAML()
		return string(text), err
	})
}

func ofValue(text []byte, answer *Answer) {
	answer.JSON, answer.JSONError = guarded(func() (string, error) {
		json, err := k8syaml.YAMLToJSON(text)
		return string(json), err
	})
	if answer.JSONError == "" {
		answer.Text, answer.TextError = guarded(func() (string, error) {
			text, err := k8syaml.JSONToYAML([]byte(answer.JSON))
			return string(text), err
		})
	}
}

// record writes what is known of a file beside it.
func record(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var answer Answer
	ofText(text, &answer)
	if answer.Error != "" {
		return fmt.Errorf("%s: %s", path, answer.Error)
	}
	tree, err := json.MarshalIndent(answer.Tree, "", " ")
	if err != nil {
		return err
	}
	for ending, text := range map[string]string{
		".tree": string(tree) + "\n", ".text": answer.Text, ".out": answer.Object, ".error": answer.ObjectError,
	} {
		beside := strings.TrimSuffix(path, filepath.Ext(path)) + ending
		_ = os.Remove(beside)
		if text == "" {
			continue
		}
		if err := os.WriteFile(beside, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	if len(os.Args) > 1 {
		if err := record(os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, "print:", err)
			os.Exit(1)
		}
		return
	}
	in, out := bufio.NewReader(os.Stdin), bufio.NewWriter(os.Stdout)
	for {
		var head [5]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return
		}
		text := make([]byte, binary.BigEndian.Uint32(head[1:]))
		if _, err := io.ReadFull(in, text); err != nil {
			return
		}
		var answer Answer
		switch head[0] {
		case 'Y':
			ofText(text, &answer)
		case 'T':
			ofTree(text, &answer)
		case 'V':
			ofValue(text, &answer)
		}
		body, err := json.Marshal(answer)
		if err != nil {
			panic(err)
		}
		_ = binary.Write(out, binary.BigEndian, uint32(len(body)))
		_, _ = out.Write(body)
		_ = out.Flush()
	}
}
