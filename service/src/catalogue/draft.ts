import * as z from 'zod'
import { isObject } from '#kernel'

/**
 * What can be understood of a configuration that may be wrong anywhere. Whatever has another shape is absent
 * here, so that a check between two places says nothing about a place whose shape is the problem.
 */
export type Draft = z.output<typeof draftSchema>
export type DraftServer = NonNullable<Draft['servers'][string]>
export type DraftTerms = NonNullable<z.output<typeof terms>>

/** Never throws. */
export function draftOf(value: unknown): Draft {
  return draftSchema.parse(isObject(value) ? value : {})
}

/** The terms of a rule, or undefined when they are no terms at all. */
export function termsOf(value: unknown): DraftTerms | undefined {
  return terms.parse(value)
}

const text = z.string().optional().catch(undefined)
const texts = z.array(text).default([]).catch([])
const anything = z.unknown().optional()
const credential = { jwks_uri: anything, secret: anything }

const client = lenient(z.object(credential))

const terms = lenient(z.object({ users: texts, agents: texts, servers: texts, apis: texts, tools: anything }))

const documentHosts = z
  .array(z.union([z.string(), z.object({ host: z.string() }).transform(({ host }) => host)]))
  .optional()
  .catch(undefined)

const draftSchema = z.object({
  publicUrl: text,
  database: text,
  users: mapOf(z.object({ password: text, linked: mapOf(z.string()) })),
  registration: lenient(z.object({ metadataDocuments: documentHosts })),
  agents: mapOf(z.object({ ...credential, redirect_uris: anything, exchange: anything, delegates: texts })),
  servers: mapOf(
    z.object({
      url: text,
      internal: anything,
      credential: anything,
      client,
      scopes: mapOf(anything),
      calls: mapOf(mapOf(texts)),
      tools: mapOf(z.object({ scopes: texts })),
    }),
  ),
  apis: mapOf(z.object({ resource: text, client, scopes: mapOf(anything), subject: text })),
  policies: z
    .array(lenient(z.object({ permit: anything, forbid: anything })))
    .default([])
    .catch([]),
})

function lenient<S extends z.ZodType>(schema: S) {
  return schema.optional().catch(undefined)
}

function mapOf<S extends z.ZodType>(schema: S) {
  return z.record(z.string(), lenient(schema)).default({}).catch({})
}
