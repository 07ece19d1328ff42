/** Nesting beyond this is refused. */
const DEPTH_MAX = 64
/** More members than this, in all objects together, are refused: each costs far more than its bytes. */
const MEMBERS_MAX = 10_000

/**
 * Parses JSON that every other parser would read the same: UTF-8 without byte order mark, no object that names a member
 * twice, no half of a surrogate pair, nesting of at most 64, at most 10,000 members in all. What two parsers read differently is how a value that was
 * verified or decided on and a value that is used come apart. Throws SyntaxError, RangeError, TypeError.
 */
export function parseStrictJson(bytes: Uint8Array): unknown {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  const value: unknown = JSON.parse(text)
  checkMembers(text)
  return value
}

/** Walks over text that is known to be JSON, once, from string to string. */
function checkMembers(text: string): void {
  // One entry for each open bracket: the member names of an object so far, or undefined for an array.
  const open: (Set<string> | undefined)[] = []
  let members = 0
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '{' || char === '[') {
      if (open.push(char === '{' ? new Set() : undefined) > DEPTH_MAX) throw new RangeError('nested too deep')
    } else if (char === '}' || char === ']') {
      open.pop()
    } else if (char === '"') {
      const end = endOfString(text, at)
      const string = stringOf(text.slice(at, end))
      if (text[skipSpace(text, end)] === ':') {
        addMember(open.at(-1), string)
        if (++members > MEMBERS_MAX) throw new RangeError('too many members')
      }
      at = end - 1
    }
  }
}

/** What a literal stands for. Only an escape can write half of a surrogate pair: the text itself was UTF-8. */
function stringOf(literal: string): string {
  if (!literal.includes('\\')) return literal.slice(1, -1)
  const value = JSON.parse(literal) as string
  if (!value.isWellFormed()) throw new SyntaxError('half of a surrogate pair')
  return value
}

function addMember(names: Set<string> | undefined, name: string): void {
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
