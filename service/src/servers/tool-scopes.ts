type Tools = Readonly<Record<string, readonly string[]>>

/**
 * Compiles a server's `tools` into a lookup: a tool's own name wins, then the pattern with the most literal
 * characters (the first of equals). `*` stands for any run of characters.
 */
export function scopesOfTools(tools: Tools): (tool: string) => readonly string[] | undefined {
  const exact = new Map(Object.entries(tools).filter(([name]) => !name.includes('*')))
  const patterns = Object.entries(tools)
    .filter(([name]) => name.includes('*'))
    .map(([name, scopes]) => ({ parts: name.split('*'), scopes }))
    .sort((a, b) => literals(b.parts) - literals(a.parts))
  return (tool) => exact.get(tool) ?? patterns.find(({ parts }) => matches(parts, tool))?.scopes
}

function literals(parts: readonly string[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0)
}

/** Linear: each literal part is looked for after the one before it, the first and the last are anchored. */
function matches(parts: readonly string[], value: string): boolean {
  const first = parts[0] ?? ''
  const last = parts.at(-1) ?? ''
  if (value.length < first.length + last.length || !value.startsWith(first) || !value.endsWith(last))
    return false
  const end = value.length - last.length
  let at = first.length
  for (const part of parts.slice(1, -1)) {
    const found = value.indexOf(part, at)
    if (found === -1 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}
