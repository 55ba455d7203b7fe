package knowledge

import "k8s.io/apimachinery/pkg/util/validation"

var labelKeys, labelValues memo[bool]

// LabelKey tells whether the API takes a text as the key of a label.
func LabelKey(text string) bool {
	return labelKeys.of(text, func(text string) bool { return len(validation.IsQualifiedName(text)) == 0 })
}

// LabelValue tells whether the API takes a text as the value of a label.
func LabelValue(text string) bool {
	return labelValues.of(text, func(text string) bool { return len(validation.IsValidLabelValue(text)) == 0 })
}
