/** RFC 7515 §4.1.9: the `typ` of a JWT names `type`, in any case, with `application/` before it or without. */
export function isJwtType(typ: unknown, type: string): boolean {
  return typeof typ === 'string' && typ.toLowerCase().replace(/^application\//, '') === type.toLowerCase()
}
