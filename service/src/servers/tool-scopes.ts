import { namePattern } from '#kernel'

type Tools = Readonly<Record<string, readonly string[]>>

/** What a tool may be called (MCP, tool names): anything else could look like a name that a rule is about. */
const TOOL_NAME = /^[A-Za-z0-9_.-]{1,128}$/

/**
 * Compiles a server's `tools` into a lookup: a tool's own name wins, then the pattern with the most literal
 * characters (the first of equals). `*` stands for any run of characters. A name that a tool should not have is none.
 */
export function scopesOfTools(tools: Tools): (tool: string) => readonly string[] | undefined {
  const exact = new Map(Object.entries(tools).filter(([name]) => !name.includes('*')))
  const patterns = Object.entries(tools)
    .filter(([name]) => name.includes('*'))
    .sort(([a], [b]) => literals(b) - literals(a))
    .map(([name, scopes]) => ({ matches: namePattern(name), scopes }))
  return (tool) => {
    if (!TOOL_NAME.test(tool)) return undefined
    return exact.get(tool) ?? patterns.find(({ matches }) => matches(tool))?.scopes
  }
}

function literals(pattern: string): number {
  return pattern.replaceAll('*', '').length
}
