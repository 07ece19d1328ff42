import { z } from 'zod'

const schema = z.object({
  client_id: z.string().optional(),
  client_secret: z.string().optional(),
  issuer: z.string().optional(),
  private_key_pem: z.string().optional(),
  toolCalls: z.array(z.object({ name: z.string(), arguments: z.record(z.string(), z.unknown()) })).optional(),
})

/** What the suite tells the client of one scenario beside the URL. */
export type Context = z.infer<typeof schema>

export function contextFrom(text: string | undefined): Context {
  return schema.parse(JSON.parse(text ?? '{}'))
}
