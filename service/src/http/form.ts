import { Readable } from 'node:stream'
import type { z } from 'zod'
import { collect } from '#kernel'
import { fault } from './faults.ts'

/**
 * Reads a form that one of our own pages sent. A form from anywhere else is refused by its Origin, before it is read
 * (browsers send one with every POST). Throws `http.wrong_origin`, `http.body_too_large`, `http.form_malformed`.
 */
export async function readForm<T>(request: Request, schema: z.ZodType<T>, publicUrl: string): Promise<T> {
  if (request.headers.get('origin') !== publicUrl) throw fault.wrong_origin()
  const body = await collect(request.body ?? Readable.from([]), FORM_BYTES_MAX, fault.body_too_large)
  const parameters = [...new URLSearchParams(body.toString())]
  const fields = Object.fromEntries(parameters)
  const parsed = schema.safeParse(fields)
  if (!parsed.success || parameters.length !== Object.keys(fields).length) throw fault.form_malformed()
  return parsed.data
}

const FORM_BYTES_MAX = 64 * 1024
