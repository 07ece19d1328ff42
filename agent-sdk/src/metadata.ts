import { isObject } from '@tetrapod/protocol'
import { type Door, whole } from './door.ts'
import { JourneyFailed } from './journey-failed.ts'

/** A JSON object that somebody else wrote. */
export type Document = Readonly<Record<string, unknown>>

/** Where a document was found, and what it says. */
export interface Found {
  readonly url: string
  readonly document: Document
}

/**
 * The first of these addresses that answers 200, as a JSON object. One that does is the answer: a malformed document
 * is refused, not skipped. Throws {@link JourneyFailed} `discovery.metadata_missing`, `discovery.metadata_malformed`.
 */
export async function firstDocument(urls: readonly string[], door: Door): Promise<Found> {
  for (const url of urls) {
    const response = await door(url, { headers: { accept: 'application/json' } })
    if (response.status === 200) return { url, document: await parsed(url, await whole(url, response)) }
    await response.body?.cancel()
  }
  const message = `No metadata at ${urls.join(', ')}. Check the URL, or ask whoever runs the server to publish it.`
  throw new JourneyFailed('discovery.metadata_missing', message)
}

/** A string member, or undefined when it is anything else. */
export function stringOf(document: Document, name: string): string | undefined {
  const value = document[name]
  return typeof value === 'string' ? value : undefined
}

/** A member that is a list of strings, or undefined when it is anything else. */
export function stringsOf(document: Document, name: string): readonly string[] | undefined {
  const value = document[name]
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined
}

async function parsed(url: string, response: Response): Promise<Document> {
  try {
    const document: unknown = await response.json()
    if (isObject(document)) return document
  } catch (cause) {
    throw malformed(url, cause)
  }
  throw malformed(url)
}

function malformed(url: string, cause?: unknown): JourneyFailed {
  const message = `${url} did not answer with a JSON object. Ask whoever runs the server to correct its metadata.`
  return new JourneyFailed('discovery.metadata_malformed', message, { cause })
}
