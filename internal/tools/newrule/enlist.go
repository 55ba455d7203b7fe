package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// parsed is what must be known of the package of a rule.
type parsed struct {
	ids      map[string]string // the ids of its rules, by the variable's name
	declares map[string]bool   // all names of the package
}

func parsePackage(dir string) (parsed, error) {
	p := parsed{ids: map[string]string{}, declares: map[string]bool{}}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return p, err
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return p, err
		}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					p.declares[d.Name.Name] = true
				}
			case *ast.GenDecl:
				p.specs(d)
			}
		}
	}
	return p, nil
}

func (p parsed) specs(d *ast.GenDecl) {
	for _, s := range d.Specs {
		switch s := s.(type) {
		case *ast.TypeSpec:
			p.declares[s.Name.Name] = true
		case *ast.ValueSpec:
			for i, name := range s.Names {
				p.declares[name.Name] = true
				if i < len(s.Values) {
					if id := idOf(s.Values[i]); id != "" {
						p.ids[name.Name] = id
					}
				}
			}
		}
	}
}

// idOf is the field ID of a composite literal.
func idOf(e ast.Expr) string {
	lit, ok := e.(*ast.CompositeLit)
	if !ok {
		return ""
	}
	for _, element := range lit.Elts {
		kv, ok := element.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		key, isName := kv.Key.(*ast.Ident)
		value, isText := kv.Value.(*ast.BasicLit)
		if isName && isText && key.Name == "ID" {
			if id, err := strconv.Unquote(value.Value); err == nil {
				return id
			}
		}
	}
	return ""
}

// insert is a change of a text; the text at an offset moves behind it.
type insert struct {
	at   int
	text string
}

// enlist is the file with the package's list, with the rule in it where its id belongs. The first
// rule of a package brings the variable with the embedded documents.
func (r newRule) enlist(file string) ([]byte, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	p, err := parsePackage(filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, data, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	offset := func(pos token.Pos) int { return set.Position(pos).Offset }
	var inserts []insert
	found := false
	for _, d := range parsed.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		switch list := r.listIn(g); {
		case list != nil:
			found = true
			inserts = append(inserts, insert{offset(r.placeIn(list, p)), "\n&" + r.Name + ",\n"})
			if !p.declares["docs"] {
				start := g.Pos()
				if g.Doc != nil {
					start = g.Doc.Pos()
				}
				inserts = append(inserts, insert{offset(start), "//go:embed *.md\nvar docs embed.FS\n\n"})
			}
		case g.Tok == token.IMPORT && g.Lparen.IsValid() && !p.declares["docs"]:
			inserts = append(inserts, insert{offset(g.Lparen) + 1, "\n\t\"embed\"\n"})
		}
	}
	if !found {
		return nil, fmt.Errorf("%s: there is no list `var %s = []*rule.%s{...}`", file, r.kind.list, r.kind.typ)
	}
	slices.SortFunc(inserts, func(a, b insert) int { return b.at - a.at })
	for _, i := range inserts {
		data = slices.Concat(data[:i.at], []byte(i.text), data[i.at:])
	}
	data, err = format.Source(tidy(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return data, nil
}

// listIn is the literal of the package's list, or nil where it is not in g.
func (r newRule) listIn(g *ast.GenDecl) *ast.CompositeLit {
	for _, s := range g.Specs {
		v, ok := s.(*ast.ValueSpec)
		if ok && len(v.Names) == 1 && v.Names[0].Name == r.kind.list && len(v.Values) == 1 {
			if list, ok := v.Values[0].(*ast.CompositeLit); ok {
				return list
			}
		}
	}
	return nil
}

// placeIn is where the rule belongs: before the first whose id is greater.
func (r newRule) placeIn(list *ast.CompositeLit, p parsed) token.Pos {
	for _, e := range list.Elts {
		ref, ok := e.(*ast.UnaryExpr)
		if !ok {
			continue
		}
		name, ok := ref.X.(*ast.Ident)
		if ok && p.ids[name.Name] > r.ID {
			return e.Pos()
		}
	}
	return list.Rbrace
}

// tidy takes out the empty lines that inserting left inside of the list.
func tidy(data []byte) []byte {
	var out [][]byte
	inList := false
	for line := range bytes.SplitSeq(data, []byte("\n")) {
		text := strings.TrimSpace(string(line))
		if inList && text == "" {
			continue
		}
		switch {
		case strings.HasPrefix(text, "var ") && strings.Contains(text, "= []*rule."):
			inList = strings.HasSuffix(text, "{")
		case text == "}":
			inList = false
		}
		out = append(out, line)
	}
	return bytes.Join(out, []byte("\n"))
}
