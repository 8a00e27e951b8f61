// The judge of many trees: reads cases from standard input, a JSON object a line, runs the pinned kustomize on each in a
// process of its own and writes the answers to standard output in the order of the cases.
//
// A case is {"files": {"path": "text"}, "path": "directory to build"}, an answer {"status": 0, "stdout": "", "stderr": ""}.
// With an argument, that program is asked instead of the kustomize beside this one.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// No build of a case takes longer than a second; one that hangs is an answer of its own.
const timeMax = 60 * time.Second

type Case struct {
	Files map[string]string `json:"files"`
	Path  string            `json:"path"`
}

type Answer struct {
	Status int    `json:"status"`
	Stdout string `json:"stdout"`
	Stderr string `json:"stderr"`
}

func main() {
	if err := judge(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
		os.Exit(1)
	}
}

func judge(in io.Reader, out io.Writer) error {
	program, err := reference()
	if err != nil {
		return err
	}
	answers := make(chan chan result, 2*runtime.NumCPU())
	go func() {
		defer close(answers)
		cases := json.NewDecoder(in)
		for {
			var one Case
			err := cases.Decode(&one)
			if errors.Is(err, io.EOF) {
				return
			}
			answer := make(chan result, 1)
			answers <- answer
			if err != nil {
				answer <- result{err: fmt.Errorf("reading a case: %w", err)}
				return
			}
			go func() {
				built, err := one.build(program)
				answer <- result{built, err}
			}()
		}
	}()
	written := bufio.NewWriter(out)
	encoder := json.NewEncoder(written)
	encoder.SetEscapeHTML(false)
	for answer := range answers {
		one := <-answer
		if one.err != nil {
			return one.err
		}
		if err := encoder.Encode(one.answer); err != nil {
			return err
		}
	}
	return written.Flush()
}

type result struct {
	answer Answer
	err    error
}

func reference() (string, error) {
	if len(os.Args) > 1 {
		return filepath.Abs(os.Args[1])
	}
	own, err := os.Executable()
	return filepath.Join(filepath.Dir(own), "kustomize"), err
}

func (c Case) build(program string) (Answer, error) {
	folder, err := os.MkdirTemp("", "tree-")
	if err != nil {
		return Answer{}, err
	}
	defer os.RemoveAll(folder)
	if folder, err = filepath.EvalSymlinks(folder); err != nil {
		return Answer{}, err
	}
	for name, text := range c.Files {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if !strings.HasPrefix(path, folder+string(filepath.Separator)) {
			return Answer{}, fmt.Errorf("%q lies outside its tree", name)
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return Answer{}, err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return Answer{}, err
		}
	}
	return run(program, folder, c.Path)
}

func run(program, folder, path string) (Answer, error) {
	if path == "" {
		path = "."
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeMax)
	defer cancel()
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(ctx, program, "build", "--reorder", "none", path)
	command.Dir, command.Stdout, command.Stderr = folder, &stdout, &stderr
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return Answer{}, fmt.Errorf("starting %s: %w", program, err)
	}
	said := strings.ReplaceAll(stderr.String(), folder, "/tree")
	return Answer{command.ProcessState.ExitCode(), stdout.String(), said}, nil
}
