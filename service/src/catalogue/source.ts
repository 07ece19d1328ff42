import { type Document, isAlias, isScalar, LineCounter, parseDocument, visit, type YAMLError } from 'yaml'
import { offsetOf } from './offset.ts'
import type { Problem } from './problem.ts'

/** Both from 1. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** A problem of the text itself. */
export interface SyntaxProblem {
  readonly position: Position
  readonly sentence: string
}

export interface Source {
  /** What the text says, unchecked. Undefined when it cannot be read. */
  readonly value: unknown
  readonly problems: readonly SyntaxProblem[]
  /** Where to look for a problem: at its node, or at the closest one above that exists. */
  positionOf(problem: Problem): Position
}

/** Reads YAML 1.2, core schema: no tags, no merge keys, every key a string and written once. */
export function readSource(text: string): Source {
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { ...OPTIONS, lineCounter })
  const position = (offset: number): Position => {
    const { line, col } = lineCounter.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const errors = [...document.errors, ...document.warnings]
  const readable = errors.every(({ code }) => READABLE.has(code))
  const { value, refused } = readable ? valueOf(document) : { value: undefined, refused: [] }
  return {
    value,
    problems: [...errors.map(refusalOf), ...refused].map(({ offset, sentence }) => ({
      position: position(offset),
      sentence,
    })),
    positionOf: (problem) => position(offsetOf(document, problem)),
  }
}

const OPTIONS = {
  // Pretty errors quote the text, and with it whatever secret stands there.
  prettyErrors: false,
  resolveKnownTags: false,
  schema: 'core',
  stringKeys: true,
  uniqueKeys: true,
  version: '1.2',
} as const

/** How many values aliases may stand for: a small file stays a small configuration. */
const ALIASES_MAX = 32

/** Errors that leave a value worth checking. */
const READABLE: ReadonlySet<YAMLError['code']> = new Set(['DUPLICATE_KEY', 'TAG_RESOLVE_FAILED'])

const SENTENCES: Partial<Record<YAMLError['code'], string>> = {
  DUPLICATE_KEY: 'This key is written twice: keep one.',
  MULTIPLE_DOCS: 'A configuration is one document: remove the line `---`.',
  TAB_AS_INDENT: 'A tab cannot indent: use spaces.',
  TAG_RESOLVE_FAILED: 'Tags have no meaning here: remove the word that begins with `!`.',
}

interface Refusal {
  readonly offset: number
  readonly sentence: string
}

// Never the library's own message: some of them quote the text.
function refusalOf({ code, pos: [offset] }: YAMLError): Refusal {
  const sentence =
    SENTENCES[code] ?? `This is not YAML (${code}): look at quotes, brackets, colons and indentation here.`
  return { offset, sentence }
}

function valueOf(document: Document.Parsed): {
  readonly value: unknown
  readonly refused: readonly Refusal[]
} {
  try {
    return { value: document.toJS({ maxAliasCount: ALIASES_MAX }) as unknown, refused: protoKeys(document) }
  } catch {
    const sentence = `An alias needs its anchor above it, and all of them stand for ${ALIASES_MAX} values at most: write this out.`
    return { value: undefined, refused: [{ offset: firstAlias(document), sentence }] }
  }
}

// Maps of names drop this key unread, so it is refused before anything could miss it.
function protoKeys(document: Document.Parsed): readonly Refusal[] {
  const found: Refusal[] = []
  visit(document, {
    Pair: (_, { key }) => {
      if (isScalar(key) && key.value === '__proto__')
        found.push({ offset: key.range?.[0] ?? 0, sentence: '`__proto__` is no name: choose another.' })
    },
  })
  return found
}

function firstAlias(document: Document.Parsed): number {
  let offset: number | undefined
  visit(document, (_, node) => {
    if (!isAlias(node)) return undefined
    offset = node.range?.[0]
    return visit.BREAK
  })
  return offset ?? 0
}
