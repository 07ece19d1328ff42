import { fault } from './faults.ts'

/** Nesting beyond this is refused. */
const DEPTH_MAX = 64

/**
 * Parses JSON as every other parser would: UTF-8, no object names a member twice, nesting of at most 64. Two parsers that
 * read a repeated member differently are how a decided value and a sent value come apart. Throws `gateway.json_malformed`.
 */
export function parseStrictJson(bytes: Uint8Array): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    const value: unknown = JSON.parse(text)
    checkMembers(text)
    return value
  } catch (cause) {
    throw fault.json_malformed({ cause })
  }
}

/** Walks over text that is known to be JSON, once, from string to string. */
function checkMembers(text: string): void {
  // One entry for each open bracket: the member names of an object so far, or undefined for an array.
  const open: (Set<string> | undefined)[] = []
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '{' || char === '[') {
      if (open.push(char === '{' ? new Set() : undefined) > DEPTH_MAX) throw new RangeError('nested too deep')
    } else if (char === '}' || char === ']') {
      open.pop()
    } else if (char === '"') {
      const end = endOfString(text, at)
      if (text[skipSpace(text, end)] === ':') addMember(open.at(-1), text.slice(at, end))
      at = end - 1
    }
  }
}

function addMember(names: Set<string> | undefined, literal: string): void {
  const name = literal.includes('\\') ? (JSON.parse(literal) as string) : literal.slice(1, -1)
  if (names?.has(name) !== false) throw new SyntaxError('a member is named twice')
  names.add(name)
}

/** The index after the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}

function skipSpace(text: string, start: number): number {
  let at = start
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++
  return at
}
