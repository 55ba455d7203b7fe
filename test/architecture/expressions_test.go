package architecture

import (
	"errors"
	"go/ast"
	"go/constant"
	"go/types"
	"regexp"
	"strings"
	"testing"
)

// TestExpressions compiles every expression of a rule, since a rule does so only when it asks; and holds that
// rules have no other way to have one, which would take time at the start of every command.
func TestExpressions(t *testing.T) {
	n := 0
	for _, p := range packages(t) {
		if !strings.HasPrefix(p.path, "pkg/causes") && p.path != "pkg/knowledge" && p.path != "pkg/rule" {
			continue
		}
		var files []*ast.File
		for _, file := range p.files {
			files = append(files, file)
		}
		info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
		config := types.Config{Error: func(error) {}, Importer: none{nil}}
		_, _ = config.Check(p.path, p.fset, files, info) // constants need no other package
		for name, file := range p.files {
			for _, d := range file.Decls {
				global, _ := d.(*ast.GenDecl)
				ast.Inspect(d, func(node ast.Node) bool {
					call, ok := node.(*ast.CallExpr)
					if !ok || len(call.Args) != 1 {
						return true
					}
					switch types.ExprString(call.Fun) {
					case "regexp.MustCompile":
						if global != nil {
							t.Errorf("%s: %s is compiled by every command: use knowledge.Regexp", name, p.fset.Position(call.Pos()))
						}
					case "knowledge.Regexp", "Regexp":
						value := info.Types[call.Args[0]].Value
						if value == nil {
							if global != nil {
								t.Errorf("%s: the expression at %s is not constant, so that nobody can compile it beforehand", name, p.fset.Position(call.Pos()))
							}
							return true
						}
						n++
						if _, err := regexp.Compile(constant.StringVal(value)); err != nil {
							t.Errorf("%s: %v", p.fset.Position(call.Pos()), err)
						}
					}
					return true
				})
			}
		}
	}
	if n < 200 {
		t.Errorf("found only %d expressions", n)
	}
}

// none imports nothing.
type none struct{ types.Importer }

func (none) Import(string) (*types.Package, error) { return nil, errors.New("not imported") }
