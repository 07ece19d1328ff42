import { type Document, isCollection, isMap, isNode, isScalar, isSeq, type Pair } from 'yaml'
import type { Path, Problem } from './problem.ts'

/** Where in the text a problem lies: at its key or value, else at the closest key above that exists. */
export function offsetOf(document: Document.Parsed, { path, at }: Problem): number {
  let offset = document.contents === null ? 0 : (startOf(document.contents) ?? 0)
  let node: unknown = document.contents
  for (const step of path) {
    const place = placeOf(node, step)
    if (place === undefined) return offset
    offset = place.offset
    node = place.node
  }
  return at === 'value' ? (inlineStart(node) ?? offset) : offset
}

interface Place {
  readonly offset: number
  readonly node: unknown
}

/** One step down. An alias is not entered: the reader mends the place that uses it. */
function placeOf(node: unknown, step: Path[number]): Place | undefined {
  if (isSeq(node) && typeof step === 'number') {
    const item = node.items[step]
    const offset = startOf(item)
    return offset === undefined ? undefined : { offset, node: item }
  }
  if (!isMap(node)) return undefined
  // The last one of a key written twice is the one that counts.
  const pair = node.items.findLast((pair: Pair) => isScalar(pair.key) && pair.key.value === step)
  const offset = startOf(pair?.key)
  return pair === undefined || offset === undefined ? undefined : { offset, node: pair.value }
}

/** Where a value starts, if it stands beside its key: a block starts on another line, and nothing nowhere. */
function inlineStart(node: unknown): number | undefined {
  if (isCollection(node) && node.flow !== true) return undefined
  if (isScalar(node) && node.source === '') return undefined
  return startOf(node)
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined
}
