// How long sigs.k8s.io/yaml takes: `times FILE TIMES` reads the text of FILE into generic values, once without counting and
// then TIMES times, and prints the nanoseconds of each.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"sigs.k8s.io/yaml"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "times:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) != 2 {
		return fmt.Errorf("say FILE TIMES")
	}
	text, err := os.ReadFile(arguments[0])
	if err != nil {
		return err
	}
	times, err := strconv.Atoi(arguments[1])
	if err != nil {
		return err
	}
	for i := 0; i <= times; i++ {
		begin := time.Now()
		var value any
		if err := yaml.Unmarshal(text, &value); err != nil {
			return err
		}
		if i > 0 {
			fmt.Println(time.Since(begin).Nanoseconds())
		}
	}
	return nil
}
