package screen

// ToolOf is toolOf for tests.
var ToolOf = toolOf
