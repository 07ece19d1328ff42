import type { z } from 'zod'
import { httpFault } from '#http'

/**
 * Reads a form that one of our own pages sent. A form from anywhere else is refused by its Origin, before it is read
 * (browsers send one with every POST). Throws `http.wrong_origin`, `http.form_malformed`.
 */
export async function readForm<T>(request: Request, schema: z.ZodType<T>, publicUrl: string): Promise<T> {
  if (request.headers.get('origin') !== publicUrl) throw httpFault.wrong_origin()
  if (Number(request.headers.get('content-length') ?? 0) > FORM_BYTES_MAX) throw httpFault.body_too_large()
  const parameters = [...new URLSearchParams(await request.text())]
  const fields = Object.fromEntries(parameters)
  const parsed = schema.safeParse(fields)
  if (!parsed.success || parameters.length !== Object.keys(fields).length) throw httpFault.form_malformed()
  return parsed.data
}

const FORM_BYTES_MAX = 64 * 1024
