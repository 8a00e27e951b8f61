// The reference readers of YAML, asked by core/yaml/tests/read_reference.rs.
//
// Texts come on stdin and answers go to stdout, each behind its length in four bytes, big end first. The only argument says
// who answers: "sigs" (sigs.k8s.io/yaml: JSON of the first document), "v3" (go.yaml.in/yaml/v3: its node tree of the first
// document), "kyaml" (what kustomize holds after loading a file: a list of such trees), "scalar" (what v3 resolves a plain
// scalar to: tag and value). An answer begins with "+", or with "-" and is an error.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/kyaml/kio"
	sigs "sigs.k8s.io/yaml"
)

type tree struct {
	Kind     string  `json:"kind"`
	Tag      string  `json:"tag"`
	Tagged   bool    `json:"tagged"`
	Style    string  `json:"style"`
	Value    string  `json:"value"`
	Line     int     `json:"line"`
	Column   int     `json:"column"`
	Head     string  `json:"head"`
	Comment  string  `json:"comment"`
	Foot     string  `json:"foot"`
	Children []*tree `json:"children"`
}

func main() {
	// An alias within what it stands for exhausts the stack of kyaml: let that be soon.
	debug.SetMaxStack(16 << 20)
	answer, known := map[string]func([]byte) (any, error){
		"sigs": fromSigs, "v3": fromV3, "kyaml": fromKyaml, "scalar": fromScalar,
	}[strings.Join(os.Args[1:], " ")]
	if !known {
		fmt.Fprintln(os.Stderr, "say one of: sigs, v3, kyaml, scalar")
		os.Exit(2)
	}
	in, out := bufio.NewReader(os.Stdin), bufio.NewWriter(os.Stdout)
	for {
		text, err := receive(in)
		if errors.Is(err, io.EOF) {
			return
		}
		if err == nil {
			err = send(out, respond(answer, text))
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func receive(in io.Reader) ([]byte, error) {
	var length uint32
	if err := binary.Read(in, binary.BigEndian, &length); err != nil {
		return nil, err
	}
	text := make([]byte, length)
	_, err := io.ReadFull(in, text)
	return text, err
}

func send(out *bufio.Writer, text []byte) error {
	if err := binary.Write(out, binary.BigEndian, uint32(len(text))); err != nil {
		return err
	}
	if _, err := out.Write(text); err != nil {
		return err
	}
	return out.Flush()
}

func respond(answer func([]byte) (any, error), text []byte) (response []byte) {
	defer func() {
		if panicked := recover(); panicked != nil {
			response = fmt.Appendf(nil, "-panic: %v", panicked)
		}
	}()
	value, err := answer(text)
	if err != nil {
		return []byte("-" + err.Error())
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return []byte("-" + err.Error())
	}
	return append([]byte("+"), encoded...)
}

func fromSigs(text []byte) (any, error) {
	document, err := sigs.YAMLToJSON(text)
	return json.RawMessage(document), err
}

func fromV3(text []byte) (any, error) {
	var node yaml.Node
	err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&node)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return plant(&node), nil
}

func fromKyaml(text []byte) (any, error) {
	reader := kio.ByteReader{
		Reader: bytes.NewReader(text), OmitReaderAnnotations: true, AnchorsAweigh: true, DisableUnwrapping: true,
	}
	nodes, err := reader.Read()
	if err != nil {
		return nil, err
	}
	trees := []*tree{}
	for _, node := range nodes {
		trees = append(trees, plant(node.Document()))
	}
	return trees, nil
}

func fromScalar(text []byte) (any, error) {
	node := yaml.Node{Kind: yaml.ScalarNode, Value: string(text)}
	var value any
	if err := node.Decode(&value); err != nil {
		return nil, err
	}
	if stamp, ok := value.(time.Time); ok {
		value = stamp.Format(time.RFC3339Nano)
	}
	return []any{node.ShortTag(), fmt.Sprint(value)}, nil
}

func plant(node *yaml.Node) *tree {
	planted := &tree{
		Kind: kind(node.Kind), Tag: node.ShortTag(), Tagged: node.Style&yaml.TaggedStyle != 0, Style: style(node.Style),
		Value: node.Value, Line: node.Line, Column: node.Column,
		Head: node.HeadComment, Comment: node.LineComment, Foot: node.FootComment, Children: []*tree{},
	}
	for _, child := range node.Content {
		planted.Children = append(planted.Children, plant(child))
	}
	return planted
}

func kind(kind yaml.Kind) string {
	return map[yaml.Kind]string{
		yaml.DocumentNode: "document", yaml.SequenceNode: "sequence", yaml.MappingNode: "mapping",
		yaml.ScalarNode: "scalar", yaml.AliasNode: "alias",
	}[kind]
}

func style(style yaml.Style) string {
	return map[yaml.Style]string{
		0: "plain", yaml.DoubleQuotedStyle: "double", yaml.SingleQuotedStyle: "single", yaml.LiteralStyle: "literal",
		yaml.FoldedStyle: "folded", yaml.FlowStyle: "flow",
	}[style&^yaml.TaggedStyle]
}
