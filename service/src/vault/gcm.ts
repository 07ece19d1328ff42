import { type CipherKey, createCipheriv, createDecipheriv } from 'node:crypto'

export const GCM_IV_BYTES = 12
export const GCM_TAG_BYTES = 16

/** AES-256-GCM: the ciphertext and then the tag of 16 bytes. */
export function gcmSeal(
  key: CipherKey,
  iv: Uint8Array,
  additional: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: GCM_TAG_BYTES })
  cipher.setAAD(additional)
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

/** Throws when one bit of key, iv, additional data, ciphertext or tag is another. */
export function gcmOpen(
  key: CipherKey,
  iv: Uint8Array,
  additional: Uint8Array,
  sealed: Uint8Array,
): Uint8Array {
  // Without authTagLength, Node takes tags of 4 bytes too.
  const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: GCM_TAG_BYTES })
  decipher.setAAD(additional)
  decipher.setAuthTag(sealed.subarray(-GCM_TAG_BYTES))
  const plaintext = decipher.update(sealed.subarray(0, -GCM_TAG_BYTES))
  return Buffer.concat([plaintext, decipher.final()])
}
