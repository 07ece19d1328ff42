import type { z } from 'zod'
import { httpFault } from '#http'

/**
 * Reads a form that one of our own pages sent. A form from anywhere else is refused by its Origin, before it is read
 * (browsers send one with every POST). Throws `http.wrong_origin`, `http.body_too_large`, `http.form_malformed`.
 */
export async function readForm<T>(request: Request, schema: z.ZodType<T>, publicUrl: string): Promise<T> {
  if (request.headers.get('origin') !== publicUrl) throw httpFault.wrong_origin()
  const parameters = [...new URLSearchParams(await limitedText(request))]
  const fields = Object.fromEntries(parameters)
  const parsed = schema.safeParse(fields)
  if (!parsed.success || parameters.length !== Object.keys(fields).length) throw httpFault.form_malformed()
  return parsed.data
}

const FORM_BYTES_MAX = 64 * 1024

/** The body, read no further than its limit: its length may not be told beforehand. */
async function limitedText({ body }: Request): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body ?? []) {
    bytes += chunk.length
    if (bytes > FORM_BYTES_MAX) throw httpFault.body_too_large()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
