/**
 * Settings that assay.yaml may hold and that this version does not act on: refused, never ignored.
 */
import { DomainError, quotedForShell } from '../core/index.ts'
import type { StageDefinition, StageSettings } from './definition.ts'

/** @throws ERR_NETWORK_LIST_UNSUPPORTED, ERR_SECRETS_UNSUPPORTED */
export function refuseUnsupportedStage(stage: StageDefinition, settings: StageSettings): void {
  if (settings.network !== 'none') {
    const hosts = settings.network.join(', ')
    const name = quotedForShell(stage.name)
    throw new DomainError(
      'ERR_NETWORK_LIST_UNSUPPORTED',
      `the stage \`${stage.name}\` lists hosts: ${hosts}; this version has no proxy to hold it to them`,
      {
        help: `until there is one, run the stage yourself, dvc repro ${name}, and freeze it, dvc freeze ${name}; or fetch the data beforehand, assay data add ID PATH, and take the list out`,
      },
    )
  }
  if (settings.secrets.length > 0) {
    const names = settings.secrets.join(', ')
    throw new DomainError('ERR_SECRETS_UNSUPPORTED', `the stage \`${stage.name}\` asks for secrets: ${names}`)
  }
}
