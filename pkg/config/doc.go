package config

import _ "embed" // for the page

// Page is the page of docs/ on configurations, annotations and baselines.
//
//go:embed config.md
var Page string
