package exits

import (
	"strings"
	"testing"
)

// As the kubelet reads them: $$ is a $, and what is not closed is text.
func TestVariablesIn(t *testing.T) {
	for text, want := range map[string]string{
		"$(DB_HOST):5432": "DB_HOST", "a $(A)$(B_1)": "A B_1", "$$(DB_HOST)": "", "$$$(DB_HOST)": "DB_HOST", "$(DB_HOST": "",
		"$(date)": "", "${DB_HOST}": "", "$": "", "$(": "", "": "", "$x$(A)": "A", "$((1+2))": "",
	} {
		if got := strings.Join(variablesIn(text), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
