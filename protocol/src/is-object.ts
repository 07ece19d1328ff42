/** Narrows to an object that is no array: the shape of JWT claims, metadata documents and JSON-RPC messages. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
