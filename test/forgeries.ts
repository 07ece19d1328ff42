import { codeForgeries } from './forgeries/codes.ts'
import { exchangeForgeries } from './forgeries/exchange.ts'
import type { Forgery } from './forgeries/forgery.ts'
import { refreshForgeries } from './forgeries/refresh.ts'
import { smugglingForgeries } from './forgeries/smuggling.ts'
import { tokenForgeries } from './forgeries/tokens.ts'
import { transactionForgeries } from './forgeries/transaction.ts'
import { transportForgeries } from './forgeries/transport.ts'

/** Every forgery we know, as data: what is forged, which rule refuses it, where it is tried. */
export const forgeries: readonly Forgery[] = [
  ...tokenForgeries,
  ...transportForgeries,
  ...exchangeForgeries,
  ...codeForgeries,
  ...refreshForgeries,
  ...smugglingForgeries,
  ...transactionForgeries,
]
