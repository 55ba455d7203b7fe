package source_test

import (
	"reflect"
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

func TestParsePath(t *testing.T) {
	key := func(k string) source.Step { return source.Step{Key: k, Index: -1} }
	bracket := func(k string) source.Step { return source.Step{Key: k, Index: -1, Bracket: true} }
	tests := []struct {
		text string
		want source.Path
		back string // what String gives, "" for text itself
	}{
		{"spec.containers[0].ports[12].name", source.Path{key("spec"), key("containers"), {Key: "0", Index: 0}, key("ports"), {Key: "12", Index: 12}, key("name")}, ""},
		{"metadata.annotations[a.b/c]", source.Path{key("metadata"), key("annotations"), bracket("a.b/c")}, ""},
		{"metadata.annotations[a.b/c].x", source.Path{key("metadata"), key("annotations"), bracket("a.b/c"), key("x")}, ""},
		{"containers[web].image", source.Path{key("containers"), bracket("web"), key("image")}, ""},
		{`containers[name="web"].image`, source.Path{key("containers"), bracket("web"), key("image")}, "containers[web].image"},
		{`a["b]c"].d['e']`, source.Path{key("a"), bracket("b]c"), key("d"), bracket("e")}, "a[b]c].d[e]"},
		{"data[07]", source.Path{key("data"), {Key: "07", Index: 7}}, ""},
		{"data[99999999999999999999]", source.Path{key("data"), bracket("99999999999999999999")}, ""},
		{"data.8080", source.Path{key("data"), key("8080")}, ""},
		{"[1][2]", source.Path{{Key: "1", Index: 1}, {Key: "2", Index: 2}}, ""},
		{".spec..x.", source.Path{key("spec"), key("x")}, "spec.x"},
		{"a[b", source.Path{key("a"), bracket("b")}, "a[b]"},
		{"a[]", source.Path{key("a"), bracket("")}, ""},
		{"<nil>", nil, "-"},
	}
	for _, tt := range tests {
		got := source.ParsePath(tt.text)
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("ParsePath(%q)\ngot  %+v\nwant %+v", tt.text, got, tt.want)
		}
		back := map[string]string{"": tt.text, "-": ""}[tt.back]
		if tt.back != "" && tt.back != "-" {
			back = tt.back
		}
		if got.String() != back {
			t.Errorf("ParsePath(%q).String() = %q, want %q", tt.text, got.String(), back)
		}
	}
}

func TestPathStringOfSteps(t *testing.T) {
	p := source.Path{{Key: "spec"}, {Key: "containers"}, {Index: 3}, {Key: "a.b", Index: -1}, {Key: "8080", Index: -1}}
	if got, want := p.String(), "spec.containers[3][a.b].8080"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
