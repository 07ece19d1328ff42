import { z } from 'zod'

/** What a user earned with a month's sales, as it travels. Amounts in euro, the rate in per cent. */
export const commissionSchema = z.object({
  month: z.string(),
  deals: z.array(z.object({ customer: z.string(), amount: z.number() })),
  rate: z.number(),
  commission: z.number(),
})

export type Commission = Readonly<z.infer<typeof commissionSchema>>
