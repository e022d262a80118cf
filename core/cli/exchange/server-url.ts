import { usageInvalid } from '../../model/errors/input-errors.ts'

const KINDS = ['http:', 'https:']
const EXPECTED = 'expected a URL such as http://nas:7420'

/** A text without what may be a user and a password. */
const withoutUser = (text: string) => text.replace(/^([a-z][a-z\d+.-]*:\/\/)?.*@/is, '$1').slice(0, 200)

/** The text, if it is the URL of a server. `name`: where it is given, such as `--url`. Throws OFFPEAK_USAGE_INVALID,
 *  without a user and password of the URL. */
export function serverUrl (name: string, text: string): string {
  const shown = withoutUser(text)
  const url = URL.parse(text)
  if (url === null || !KINDS.includes(url.protocol)) {
    const likely = `http://${shown}`
    const isBare = shown !== '' && !shown.includes('://') && URL.canParse(likely)
    throw usageInvalid(`${name} is '${shown}': ${EXPECTED}`, isBare ? `Did you mean '${likely}'?` : undefined)
  }
  if (url.username === '' && url.password === '') return text
  throw usageInvalid(`${name} has a user or a password, which offpeak does not send`,
    `Name ${shown} without them, and give a token with --token or OFFPEAK_TOKEN.`)
}
