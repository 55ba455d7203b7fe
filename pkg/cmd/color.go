package cmd

import (
	"fmt"
	"strings"
)

// colorFlag is --color: auto, always or never.
type colorFlag string

func (f *colorFlag) String() string { return string(*f) }
func (f *colorFlag) Type() string   { return "when" }
func (f *colorFlag) Set(s string) error {
	switch s {
	case "auto", "always", "never":
		*f = colorFlag(s)
		return nil
	}
	return fmt.Errorf("valid values are {auto|always|never}")
}

// enumFlag is a string flag with a fixed set of values.
type enumFlag struct {
	value  string
	values []string
}

func newEnumFlag(value string, values ...string) *enumFlag { return &enumFlag{value, values} }

func (f *enumFlag) String() string { return f.value }
func (f *enumFlag) Type() string   { return "enum" }
func (f *enumFlag) Set(s string) error {
	for _, v := range f.values {
		if s == v {
			f.value = s
			return nil
		}
	}
	return fmt.Errorf("valid values are {%s}", strings.Join(f.values, "|"))
}
