import * as z from 'zod'
import { isObject } from '#kernel'
import { catalogueSchema } from './schema.ts'

/** The JSON Schema (2020-12) of `tetrapod.yaml`, for editors: its shape, without what places must agree on. */
export function catalogueJsonSchema(): Readonly<Record<string, unknown>> {
  return z.toJSONSchema(catalogueSchema, { io: 'input' })
}

/** A Markdown table of every key of `tetrapod.yaml`, in the words of the schema. `<key>` is a name you choose. */
export function describeCatalogue(): string {
  const rows = rowsOf('', catalogueJsonSchema()).map(
    ([path, need, words]) => `| \`${path}\` | ${need} | ${words.replaceAll('|', '\\|')} |`,
  )
  return ['| key | | meaning |', '|---|---|---|', ...rows, ''].join('\n')
}

type Row = readonly [path: string, need: string, words: string]

function rowsOf(path: string, schema: unknown): readonly Row[] {
  if (!isObject(schema)) return []
  const required: readonly unknown[] = Array.isArray(schema['required']) ? schema['required'] : []
  const properties = isObject(schema['properties']) ? Object.entries(schema['properties']) : []
  return [
    ...properties.flatMap(([key, member]) => {
      const at = path === '' ? key : `${path}.${key}`
      const words = isObject(member) && typeof member['description'] === 'string' ? member['description'] : ''
      return [[at, required.includes(key) ? 'required' : '', words] as const, ...rowsOf(at, member)]
    }),
    ...rowsOf(`${path}[]`, schema['items']),
    ...rowsOf(`${path}.<key>`, schema['additionalProperties']),
  ]
}
