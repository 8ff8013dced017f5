/**
 * What the words for formats of strings mean here, as RE2 patterns of the whole value.
 *
 * Shapes, not existence: an e-mail address is one that could be written, a URI one with a scheme.
 * Source: RFC 5321 (dot-string @ domain), RFC 9562 (UUID), RFC 3986 (scheme), RFC 1123 (host name), RFC 4291 (loosely).
 */
const octet = '(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])'
const label = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?'

export const stringFormats: Readonly<Record<string, string>> = {
  email: `[A-Za-z0-9.!#$%&'*+/=?^_\`{|}~-]{1,64}@${label}(?:\\.${label})+`,
  uuid: '[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}',
  uri: '[A-Za-z][A-Za-z0-9+.-]*:[^\\s<>"{}|\\\\^`]+',
  hostname: `${label}(?:\\.${label})*`,
  ipv4: `${octet}(?:\\.${octet}){3}`,
  ipv6: '[0-9A-Fa-f:]{2,39}(?:(?:[0-9]{1,3}\\.){3}[0-9]{1,3})?',
  byte: '(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?',
}
