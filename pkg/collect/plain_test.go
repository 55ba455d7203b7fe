package collect

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

// TestDecodePlain holds that the short way makes the object that the long one makes, over every manifest of
// this repository, and that it is taken for most of them.
func TestDecodePlain(t *testing.T) {
	var types source.Filler
	plain, all := 0, 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".yaml" || strings.Contains(path, "/.") && !strings.HasPrefix(path, "../") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		docs, _ := source.Parse(path, data)
		for _, doc := range docs {
			value, err := doc.Decode()
			content, ok := value.(map[string]any)
			if err != nil || !ok {
				if _, short := decodePlain(doc.Tree(), &types); short {
					t.Errorf("%s:%d: only the short way takes it", path, doc.Line)
				}
				continue
			}
			want, err := decode(content, &types)
			got, short := decodePlain(doc.Tree(), &types)
			if all++; !short {
				continue
			}
			if plain++; err != nil || want.mismatch != nil || len(want.unknownFields) > 0 || want.gvk != got.gvk || !equality.Semantic.DeepEqual(want.object, got.object) {
				t.Errorf("%s:%d: %v %v\n%+v\n%+v", path, doc.Line, want.mismatch, want.unknownFields, want.object, got.object)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of %d documents", plain, all)
	if plain < all/3 {
		t.Errorf("the short way is taken for %d of %d documents", plain, all)
	}
}
