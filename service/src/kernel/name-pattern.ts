/**
 * Compiles a name in which `*` stands for any run of characters, the empty one too; everything else stands
 * for itself, case included, and the whole name must match.
 *
 * However many stars a pattern has, a name is walked once, from left to right: no backtracking, nothing that
 * a chosen name could make slow.
 */
export function namePattern(pattern: string): (name: string) => boolean {
  const [head = '', ...rest] = pattern.split('*')
  const tail = rest.pop()
  if (tail === undefined) return (name) => name === pattern
  const middle = rest.filter((part) => part !== '')
  return (name) =>
    name.startsWith(head) &&
    name.endsWith(tail) &&
    inOrder(name, middle, head.length, name.length - tail.length)
}

// The leftmost place is always a right one: it leaves the most room for the parts that follow.
function inOrder(name: string, parts: readonly string[], from: number, to: number): boolean {
  let at = from
  for (const part of parts) {
    const found = name.indexOf(part, at)
    if (found === -1) return false
    at = found + part.length
  }
  return at <= to
}
