import { fault } from './faults.ts'

/** Of the parameters of one authorization request, wherever they are sent, as they are encoded. */
export const REQUEST_BYTES_MAX = 4096
const STATE_BYTES_MAX = 1024

/** The library keeps every authorization request for a while. Throws `oauth.request_too_large`. */
export function checkRequestSize(encoded: string, parameters = new URLSearchParams(encoded)): void {
  if (Buffer.byteLength(encoded) > REQUEST_BYTES_MAX) throw fault.request_too_large({ detail: 'parameters' })
  const states = parameters.getAll('state')
  if (states.some((state) => Buffer.byteLength(state) > STATE_BYTES_MAX))
    throw fault.request_too_large({ detail: 'state' })
}
