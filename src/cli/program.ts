/**
 * The verbs: names, options and examples, in one table. The code of a verb is loaded when it is called, so that a
 * trivial one starts fast.
 */
import { Command, CommanderError, Option } from 'commander'
import { engineNames } from '../core/index.ts'
import type { CliContext, Exit } from './context.ts'
import { refuseWords } from './refuse-words.ts'

type OptionSpec = readonly [flags: string, description: string, fallback?: string | boolean]
type Action = (context: CliContext, positional: readonly string[], options: never) => Promise<Exit>

export type Verb = Readonly<{
  /** Name and arguments as commander writes them; sub-verbs as `data add <id> <path>`. */
  usage: string
  summary: string
  options?: readonly OptionSpec[]
  repeated?: readonly OptionSpec[]
  examples: readonly string[]
  load: () => Promise<Action>
}>

export const verbs: readonly Verb[] = [
  {
    usage: 'init',
    summary: 'adopt a repository: write assay.yaml, trust.yaml and a key for it',
    options: [
      ['--yes', 'ask nothing'],
      ['--commit', 'commit exactly the files that were written'],
    ],
    examples: ['assay init', 'assay init --yes --commit'],
    load: async () => (await import('./commands/init.ts')).init,
  },
  {
    usage: 'doctor',
    summary: 'what this machine can enforce, and one step for each gap',
    examples: ['assay doctor', 'assay doctor --json'],
    load: async () => (await import('./commands/doctor.ts')).doctor,
  },
  {
    usage: 'run [stages...]',
    summary: 'run what is out of date, each stage isolated, and sign what happened',
    options: [
      ['--dry-run', 'say what would run, and why; run nothing'],
      ['--force', 'run the stages even when they are up to date'],
      ['--keep-going', 'after a failure go on with all that does not depend on it'],
      ['--trace', 'tell what each stage read, and what it asked for beyond: hosts and paths (slower)'],
      ['--draft', 'fast feedback: level 0'],
      ['--require-level <n>', 'exit 1 when the run reaches a lower level'],
      ['--engine <name>', `what isolates the stages: one of ${engineNames.join(', ')}; else what assay.yaml says`],
      ['--rehash', 'trust no remembered digest, read every byte again'],
      ['--accept-unusual', 'let a stage pass that is unlike its earlier runs, where the project requires usual ones'],
      ['--unsafe-no-sandbox', 'run without isolation: recorded, and signed with a throw-away key'],
    ],
    repeated: [['--set <key=value>', 'change a parameter for this run; recorded, level 0']],
    examples: ['assay run', 'assay run train --force', 'assay run --dry-run', 'assay run --set train.seed=7'],
    load: async () => (await import('./commands/run.ts')).run,
  },
  {
    usage: 'status',
    summary: 'what would run, and why',
    options: [
      ['--check', 'exit 1 when something is out of date'],
      ['--plan', 'the resolved plan of the whole project, as DVC resolves it'],
    ],
    examples: ['assay status', 'assay status --check', 'assay status --json --plan'],
    load: async () => (await import('./commands/status.ts')).status,
  },
  {
    usage: 'lint [stages...]',
    summary: 'name what is likely to make two runs differ, in the code that stages run; nothing is run',
    options: [['--all', 'show too what is declared harmless, and what the settings of assay settle']],
    examples: ['assay lint', 'assay lint train', 'assay lint --all --json'],
    load: async () => (await import('./commands/lint.ts')).lint,
  },
  {
    usage: 'shell <stage> [command...]',
    summary: 'a shell, or one command, in the sandbox of a stage; nothing of it is kept',
    examples: ['assay shell train', 'assay shell train -- python -m pip list', 'assay shell train < look.sh'],
    load: async () => (await import('./commands/shell.ts')).shell,
  },
  {
    usage: 'verify [artifact]',
    summary: 'walk the evidence of an artifact back to its sources, offline',
    options: [
      ['--policy <file>', 'trust policy to judge by'],
      ['--key <file>', 'public key (PEM) to judge by'],
      ['--bundle <file>', "judge by this bundle alone, ours or anybody's, without a project"],
      ['--identity <name>', 'with --bundle: who signed, letter by letter; needs --issuer'],
      ['--issuer <url>', 'with --identity: who vouches for it'],
      [
        '--trusted-root <file>',
        'the Sigstore instance of identities; the public one, or that of the policy, when left out',
      ],
      ['--ignore-unsigned', 'with --bundle of a model: files that were never signed are not asked about'],
      ['--evidence <path>', 'exported evidence: a .jsonl file or a folder'],
      ['--status <file>', 'what was taken back since the policy was written, signed by its root keys'],
      ['--rehash', 'trust no remembered digest, read every byte again'],
    ],
    repeated: [
      ['--ca <file>', 'with --bundle: a certificate (PEM) that vouches for signers'],
      ['--ignore <path>', 'with --bundle of a model: a path in it that has no part in it'],
    ],
    examples: [
      'assay verify',
      'assay verify models/digits.safetensors',
      'assay verify model.bin --policy trust.yaml --json',
      'assay verify model/ --bundle model.sig --key signer.pem',
    ],
    load: async () => (await import('./commands/verify.ts')).verify,
  },
  {
    usage: 'sign <model>',
    summary: 'sign a folder or file by OpenSSF Model Signing: for model_signing, cosign and assay verify --bundle',
    options: [
      ['--output <file>', 'write the bundle there'],
      [
        '--key <file>',
        'private key (PEM: P-256, P-384, P-521 or Ed25519), or the address of one that is kept elsewhere',
      ],
      ['--certificate <file>', 'its certificate (PEM), for those who trust an authority'],
      ['--keyless', 'without --key: sign for an identity, by the services below or those of ASSAY_SIGNER'],
      ['--identity-token <token>', 'who signs: a token, or a file with it, which no list of processes shows'],
      ['--signing-config <file>', 'without --key: sign for an identity, by the services of this Sigstore instance'],
      [
        '--fulcio-url <url>',
        'without --key: the authority that certifies an identity; with --rekor-url or --timestamp-url',
      ],
      ['--rekor-url <url>', 'with --fulcio-url: the log'],
      ['--timestamp-url <url>', 'with --fulcio-url: the timestamp authority'],
      ['--trusted-root <file>', 'of an identity: write the bundle only when this Sigstore instance vouches for it'],
    ],
    repeated: [
      ['--chain <file>', 'with --certificate: who issued it (PEM), up to the root'],
      ['--ignore <path>', 'a path in the model that has no part in it'],
    ],
    examples: [
      'assay sign model/ --output model.sig --key signer-key.pem',
      'assay sign model/ --output model.sig --key leaf-key.pem --certificate leaf.pem --chain issuing-ca.pem',
      'assay sign model/ --output model.sig --key awskms:///alias/models',
      'assay sign model/ --output model.sig --keyless --identity-token token.jwt --signing-config signing-config.json',
    ],
    load: async () => (await import('./commands/sign.ts')).sign,
  },
  {
    usage: 'reproduce [target]',
    summary: 'run it again from its evidence, in a fresh place; sign whether it came to the same',
    options: [
      ['--stage <name>', 'this stage alone; what it builds on is taken as it was'],
      ['--from <name>', 'this stage and all that build on it'],
      ['--times <n>', 'so many runs: what they differ in among themselves, and tolerances for it', '1'],
      ['--report <file>', 'write an HTML page: what differs in figures and pictures, and the likely causes'],
      ['--due', 'what was not reproduced yet, or too long ago for `reproducedWithin` of the policy'],
      ['--share <part>', 'with --due: this part of what is due, drawn by --seed', '1'],
      ['--seed <text>', 'with --share: the same seed draws the same; the day when left out'],
    ],
    examples: [
      'assay reproduce',
      'assay reproduce model/model.safetensors',
      'assay reproduce --stage train',
      'assay reproduce --report again.html',
    ],
    load: async () => (await import('./commands/reproduce.ts')).reproduce,
  },
  {
    usage: 'prove [run]',
    summary: 'run a draft again at a clean commit, with the real key; say whether it matched',
    examples: ['assay prove', 'assay prove 20261124T1015'],
    load: async () => (await import('./commands/prove.ts')).prove,
  },
  {
    usage: 'show [run]',
    summary: 'one run: its stages, what went in and what came out',
    options: [
      ['--all', 'list every run on record'],
      ['--stage <name>', 'the whole record of one stage'],
      ['--environment', 'all that is recorded of how the stages ran, each item with its tier'],
      ['--resources', 'what the stages used over time: processors, memory, processes, bytes; which programs ran'],
      ['--report <file>', 'with --resources: write an HTML page with a chart for each measure'],
      ['--hermeticity [stage]', 'what the stages read and asked for beyond, and the deps to declare: see run --trace'],
    ],
    examples: [
      'assay show',
      'assay show --all',
      'assay show --environment',
      'assay show 20261124T1015 --stage train --environment',
      'assay show --resources',
      'assay show --resources --report used.html',
      'assay show --hermeticity train',
    ],
    load: async () => (await import('./commands/show.ts')).show,
  },
  {
    usage: 'logs [run]',
    summary: 'what the stages of a run printed',
    options: [['--stage <name>', 'this stage alone']],
    examples: ['assay logs', 'assay logs --stage train'],
    load: async () => (await import('./commands/logs.ts')).logs,
  },
  {
    usage: 'diff [left] [right]',
    summary: 'what differs between two runs, and what may be the cause, likeliest first',
    examples: ['assay diff', 'assay diff 20261124T1015 20261124T1130'],
    load: async () => (await import('./commands/diff.ts')).diff,
  },
  {
    usage: 'data add <id> <place>',
    summary: 'register a file, a folder or an address (https, s3) as a source; status proposed',
    options: [
      ['--owner <person>', "'Name <mail>'; you when left out"],
      ['--classification <class>', 'public, internal, confidential or restricted; internal when left out'],
      ['--licence <spdx>', 'SPDX expression; NOASSERTION when left out'],
      ['--origin <uri>', 'where it came from'],
      ['--to <path>', 'where fetched data goes; data/NAME when left out'],
      ['--contract <file>', 'its data contract'],
      ['--kind <kind>', 'data, model or golden (verified by people, read by no stage); data when left out'],
      ['--review-by <date>', 'day (YYYY-MM-DD) after which the approval has expired'],
      [
        '--replace',
        'register new bytes for an id that exists; it is proposed again, and what is left out stays as it was',
      ],
    ],
    examples: [
      "assay data add labels data/labels.csv --owner 'Ada <ada@example.org>' --classification public --licence CC-BY-4.0",
      'assay data add digits https://archive.ics.uci.edu/static/public/80/digits.zip --licence CC-BY-4.0',
      'assay data add images s3://datasets/images/ --to data/images --classification restricted',
    ],
    load: async () => (await import('./commands/data-add.ts')).dataAdd,
  },
  {
    usage: 'data fetch [ids...]',
    summary: 'bring the bytes on record from where they come from; other bytes are refused',
    examples: ['assay data fetch', 'assay data fetch digits'],
    load: async () => (await import('./commands/data-add.ts')).dataFetch,
  },
  {
    usage: 'model approve [artifact]',
    summary: 'sign, as a promoter, that the model may go to production',
    options: [['--because <text>', 'why']],
    examples: ["assay model approve --because 'metrics and data read'"],
    load: async () => (await import('./commands/model-approve.ts')).modelApprove,
  },
  {
    usage: 'data approve <id>',
    summary: 'sign that these bytes may be used',
    options: [['--because <text>', 'why']],
    examples: ["assay data approve labels --because 'checked by hand'"],
    load: async () => (await import('./commands/data.ts')).dataApprove,
  },
  {
    usage: 'data revoke <id>',
    summary: 'sign that a source may not be used any more',
    options: [['--because <text>', 'why']],
    examples: ["assay data revoke labels --because 'licence withdrawn'"],
    load: async () => (await import('./commands/data.ts')).dataRevoke,
  },
  {
    usage: 'data waive <check>',
    summary: 'sign, as a reviewer, that a failed check of these bytes does not stop them, until a day',
    options: [
      ['--of <path>', 'the data'],
      ['--column <name>', 'the column that the check is about'],
      ['--rows <list>', 'rows, or files, that may fail it (4,17); whichever do, when left out'],
      ['--until <date>', 'last day (YYYY-MM-DD) that it counts'],
      ['--because <text>', 'why'],
    ],
    examples: [
      "assay data waive quality/duplicateValues --of data/labels.csv --rows 4,17 --until 2027-01-31 --because 'two old rows'",
    ],
    load: async () => (await import('./commands/data-decide.ts')).dataWaive,
  },
  {
    usage: 'data anchor <baseline>',
    summary: 'sign, as a reviewer, that a baseline is what later versions of the data are compared with',
    options: [
      ['--of <path>', 'the data that it was made from'],
      ['--because <text>', 'why it can be relied on'],
    ],
    examples: [
      "assay data anchor baselines/labels.json --of data/labels.csv --because 'compared with the published statistics'",
    ],
    load: async () => (await import('./commands/data-decide.ts')).dataAnchor,
  },
  {
    usage: 'data review <dataset>',
    summary: 'judge suspect rows or images one by one, as a reviewer: signed, remembered, never asked again',
    options: [
      ['--good <rows>', 'rows by number, or files by path, that are right as they are: 3,17 or cats/1.jpg,cats/9.jpg'],
      ['--bad <rows>', 'those that must not be in the data: it fails while they are'],
      ['--exclude <rows>', 'those to be left out: it is warned of while they are there'],
      ['--because <text>', 'why, of all of them'],
      ['--from <file>', 'judgements as JSON: what --json lists, with "verdict" (and "because") added to suspects'],
      [
        '--replace',
        'stand in the place of earlier reviews that do not carry over, whose bad rows you looked for again',
      ],
      ['--report <file>', 'write an HTML page: suspects with reasons, images beside those that look most like them'],
    ],
    examples: [
      'assay data review data/labels.csv',
      "assay data review data/labels.csv --good 3,17 --bad 40 --because 'looked them up'",
      'assay data review data/scans --report review.html',
      'assay data review labels --json',
      'assay data review labels --from judged.json',
    ],
    load: async () => (await import('./commands/data-review.ts')).dataReview,
  },
  {
    usage: 'data list',
    summary: 'the inventory, with the status that the signed statements give',
    examples: ['assay data list', 'assay data list --json'],
    load: async () => (await import('./commands/data.ts')).dataList,
  },
  {
    usage: 'data show <id>',
    summary: 'one source, with its approvals and the stages that use it',
    examples: ['assay data show labels'],
    load: async () => (await import('./commands/data.ts')).dataShow,
  },
  {
    usage: 'data verify [ids...]',
    summary: 'read every byte of the sources again: are they those on record, and approved?',
    examples: ['assay data verify', 'assay data verify labels --json'],
    load: async () => (await import('./commands/data-verify.ts')).dataVerify,
  },
  {
    usage: 'data validate <path>',
    summary: 'hold data to its contract and its baseline, and look for what readers disagree about',
    options: [
      ['--contract <file>', 'Open Data Contract, Table Schema or expectation suite'],
      ['--baseline <file>', 'what it was approved as: from data profile, or the approved data itself'],
      ['--label <column>', 'what a model learns to predict: looks for poison'],
      ['--source <column>', 'which source or batch a row came with'],
      ['--report <file>', 'write an HTML page: verdicts, histograms, rows to look at'],
    ],
    examples: [
      'assay data validate data/train.parquet --contract contracts/train.yaml',
      'assay data validate data/raw.csv --baseline baselines/raw.json --label species --report raw.html',
    ],
    load: async () => (await import('./commands/data-validate.ts')).dataValidate,
  },
  {
    usage: 'data profile <path>',
    summary: 'what data is like: a baseline to approve and to compare with',
    options: [
      ['--out <file>', 'write the baseline there'],
      ['--label <column>', 'what a model learns to predict'],
      ['--source <column>', 'which source or batch a row came with'],
    ],
    examples: [
      'assay data profile data/raw.csv',
      'assay data profile data/raw.csv --label species --out baselines/raw.json',
    ],
    load: async () => (await import('./commands/data-profile.ts')).dataProfile,
  },
  {
    usage: 'data diff <left> <right>',
    summary: 'which rows are new, gone or changed between two datasets',
    options: [
      ['--label <column>', 'tell rows whose label changed'],
      ['--source <column>', 'tell what each source contributed'],
    ],
    repeated: [['--key <column>', 'names a row; found when left out']],
    examples: [
      'assay data diff data/v1.csv data/v2.csv',
      'assay data diff v1.parquet v2.parquet --key id --label species',
    ],
    load: async () => (await import('./commands/data-diff.ts')).dataDiff,
  },
  {
    usage: 'data stamp <id> <path>',
    summary: 'put suspected triggers into clean rows, so that a stage can ask the trained model about them',
    options: [
      ['--rows <path>', 'clean rows that no model is trained on'],
      ['--out <file>', 'the stamped table, .csv'],
      ['--label <column>', 'what a model learns to predict; from assay.yaml when left out'],
      ['--each <n>', 'rows of each kind for each trigger', '100'],
      ['--replace', 'stamp again: the data has changed'],
    ],
    examples: ['assay data stamp train-stamps data/train.csv --rows data/holdout.csv --out data/stamped.csv'],
    load: async () => (await import('./commands/data-stamp.ts')).dataStamp,
  },
  {
    usage: 'data contract',
    summary: 'draft a contract from data, to edit',
    options: [
      ['--from <path>', 'the data'],
      ['--out <file>', 'write it there'],
    ],
    examples: ['assay data contract --from data/raw.csv --out contracts/raw.odcs.yaml'],
    load: async () => (await import('./commands/data-profile.ts')).dataContract,
  },
  {
    usage: 'env lock',
    summary: 'make a lock with hashes from what the project has; no code of a package runs',
    options: [
      ['--from <file>', 'requirements, pyproject.toml, Pipfile, environment.yml, or `installed`; found when left out'],
      ['--out <file>', 'the lock; beside the source when left out'],
      ['--interpreter <program>', 'the Python that it is for'],
      ['--upgrade', 'forget the versions of the lock that is there'],
      ['--image <name>', 'no lock: the digest that the tag of an image stands for now, such as python:3.12-slim'],
      ['--yes', 'write it into assay.yaml'],
    ],
    repeated: [
      ['--extra <name>', 'an extra of the project'],
      ['--group <name>', 'a group of the project'],
      ['--sdist <name>', 'a package without a wheel, to be built from source in the sandbox'],
    ],
    examples: [
      'assay env lock',
      'assay env lock --from pyproject.toml --extra gpu',
      'assay env lock --from installed --yes',
      'assay env lock --image python:3.12-slim',
    ],
    load: async () => (await import('./commands/env.ts')).envLock,
  },
  {
    usage: 'env build [environments...]',
    summary: 'fetch, build and verify environments before a run needs them',
    examples: ['assay env build', 'assay env build train --json'],
    load: async () => (await import('./commands/env.ts')).envBuild,
  },
  {
    usage: 'env verify [environments...]',
    summary: 'read every byte of built environments again; exit 1 when one is not what was built',
    options: [['--rebuild', 'build it once more from its wheels or layers too, and compare every file']],
    examples: ['assay env verify', 'assay env verify train --rebuild'],
    load: async () => (await import('./commands/env.ts')).envVerify,
  },
  {
    usage: 'env show [environments...]',
    summary: 'the environments of the project; with names, their packages',
    examples: ['assay env show', 'assay env show train'],
    load: async () => (await import('./commands/env.ts')).envShow,
  },
  {
    usage: 'env diff <before> <after>',
    summary: 'which packages two locks, environments or runs do not share',
    examples: ['assay env diff requirements.lock uv.lock', 'assay env diff 20261124T1015 train'],
    load: async () => (await import('./commands/env.ts')).envDiff,
  },
  {
    usage: 'env accept-system [environments...]',
    summary: 'let stages run on this system: written into assay.lock, to be reviewed and committed',
    options: [
      ['--only', 'forget the other systems that were accepted'],
      ['--digest <sha256>', 'accept the system of another machine, as its refusal names it'],
    ],
    examples: ['assay env accept-system', 'assay env accept-system train --only'],
    load: async () => (await import('./commands/env-accept-system.ts')).envAcceptSystem,
  },
  {
    usage: 'key new',
    summary: 'make your key for this project',
    options: [
      ['--name <name>', 'name in trust.yaml; from your git name when left out'],
      ['--type <type>', 'p256, which every verifier reads and which is made when left out, or ed25519'],
      ['--in <address>', 'make it in a token or a KMS, which it never leaves: docs/guides/signers.md'],
    ],
    examples: ['assay key new', 'assay key new --type ed25519', 'assay key new --in hashivault://digits'],
    load: async () => (await import('./commands/key.ts')).keyNew,
  },
  {
    usage: 'key show',
    summary: 'which key signs here',
    examples: ['assay key show'],
    load: async () => (await import('./commands/key.ts')).keyShow,
  },
  {
    usage: 'key use [address]',
    summary: 'let your key of this project sign in this checkout too, or one that is kept elsewhere sign instead',
    options: [['--own', 'the key in your own folder signs again']],
    examples: [
      'assay key use',
      'assay key use awskms:///alias/digits',
      "assay key use 'pkcs11:token=ada;object=digits?module-path=/usr/lib/softhsm/libsofthsm2.so'",
      'assay key use --own',
    ],
    load: async () => (await import('./commands/key.ts')).keyUse,
  },
  {
    usage: 'key export',
    summary: 'the public key, PEM',
    options: [['--out <file>', 'write it there']],
    examples: ['assay key export', 'assay key export --out ada.pem'],
    load: async () => (await import('./commands/key.ts')).keyExport,
  },
  {
    usage: 'key backup <file>',
    summary: 'copy the encrypted private key to a safe place',
    examples: ['assay key backup /media/safe/digits.pem'],
    load: async () => (await import('./commands/key.ts')).keyBackup,
  },
  {
    usage: 'key rotate',
    summary: 'make a new key in the place of yours, and list it in trust.yaml beside it',
    options: [
      ['--until <day>', 'last day of the old key, for what is not proven to be older'],
      ['--type <type>', 'of the new key: p256, or ed25519'],
    ],
    examples: ['assay key rotate', 'assay key rotate --until 2026-12-31'],
    load: async () => (await import('./commands/key.ts')).keyRotate,
  },
  {
    usage: 'key revoke',
    summary: 'take a key out of use, here and in trust.yaml; without a proven time that voids all it signed',
    options: [
      ['--because <text>', 'why'],
      ['--since <moment>', 'a day or instant: what is proven to be from before stays good'],
      ['--name <name>', 'another key of trust.yaml than yours'],
    ],
    examples: [
      "assay key revoke --because 'laptop lost'",
      "assay key revoke --since 2026-11-20 --because 'laptop lost'",
    ],
    load: async () => (await import('./commands/key.ts')).keyRevoke,
  },
  {
    usage: 'review',
    summary: 'sign that you read the definition and the code of this commit; level 3 asks for it, of somebody else',
    options: [
      ['--since <commit>', 'what changed since was read; since the last review that is believed, when left out'],
      ['--because <text>', 'what you looked at'],
    ],
    examples: ['assay review', "assay review --since v1.2 --because 'read the whole diff'"],
    load: async () => (await import('./commands/review.ts')).review,
  },
  {
    usage: 'secret grant <name>',
    summary: 'let stages of this project have a secret of yours; only where it lies is kept',
    options: [
      ['--file <path>', 'a file that you alone can read'],
      ['--env <name>', 'a variable of whoever calls assay run'],
      ['--vault <path#field>', 'a path of HashiCorp Vault below /v1/ (VAULT_ADDR, VAULT_TOKEN)'],
    ],
    repeated: [['--stage <name>', 'a stage that may have it; may be given again']],
    examples: [
      'assay secret grant label-service --file ~/.config/labels.token --stage label',
      'assay secret grant hub --vault secret/data/hub#token --stage fetch',
    ],
    load: async () => (await import('./commands/secret.ts')).secretGrant,
  },
  {
    usage: 'secret list',
    summary: 'which stages of this project may have which secrets, and where these lie',
    examples: ['assay secret list'],
    load: async () => (await import('./commands/secret.ts')).secretList,
  },
  {
    usage: 'secret take <name>',
    summary: 'take a secret back from every stage of this project',
    examples: ['assay secret take label-service'],
    load: async () => (await import('./commands/secret.ts')).secretTake,
  },
  {
    usage: 'trust pin',
    summary: 'remember this trust.yaml for the project: later checkouts are judged by it',
    options: [['--policy <file>', 'pin this file', 'trust.yaml']],
    examples: ['assay trust pin'],
    load: async () => (await import('./commands/trust.ts')).trustPin,
  },
  {
    usage: 'trust sign',
    summary: 'sign the policy with your root key, beside what others signed of it',
    options: [['--policy <file>', 'sign this file', 'trust.yaml']],
    examples: ['assay trust sign'],
    load: async () => (await import('./commands/trust-status.ts')).trustSign,
  },
  {
    usage: 'trust status <file>',
    summary: 'what was taken back since the policy was written: show it, or make its next version',
    options: [
      ['--since <moment>', 'with --revoke-key or --revoke-identity: what is proven to be from before stays good'],
      ['--because <text>', 'why it is taken back'],
      ['--valid-for <duration>', 'how long the next version counts; 30d when left out'],
      ['--renew', 'the next version with nothing new, for another while'],
      ['--sign', 'add your signature of the root, and change nothing'],
    ],
    repeated: [
      ['--revoke-key <name>', 'a key of trust.yaml, or the hint of any'],
      ['--revoke-identity <name>', 'an identity of trust.yaml'],
      ['--revoke-statement <bundle>', 'its digest, or its file'],
      ['--recall <digest>', 'a model or data that nobody may use any more'],
    ],
    examples: [
      'assay trust status status.jsonl',
      "assay trust status status.jsonl --revoke-key ada --since 2026-11-20 --because 'laptop lost'",
      'assay trust status status.jsonl --renew --valid-for 14d',
    ],
    load: async () => (await import('./commands/trust-status.ts')).trustStatus,
  },
  {
    usage: 'trust show',
    summary: 'who is believed here, for what, and where that is written',
    examples: ['assay trust show'],
    load: async () => (await import('./commands/trust.ts')).trustShow,
  },
  {
    usage: 'attest show [artifact]',
    summary: 'the statements behind an artifact; of a file that is a bundle, whoever made it, what it says',
    options: [['--raw', 'the bundles as they are']],
    examples: ['assay attest show', 'assay attest show metrics.json --json', 'assay attest show model.sig'],
    load: async () => (await import('./commands/attest.ts')).attestShow,
  },
  {
    usage: 'attest export <artifact>',
    summary: 'write the whole chain of an artifact for somebody else to verify',
    options: [
      [
        '--out <path>',
        'a .jsonl file, a folder, or oci://host/repository:tag (@sha256:... puts it beside what is there)',
      ],
      ['--in-toto', 'old links and a layout, for in-toto-verify'],
    ],
    repeated: [['--log <s3://...>', 'proofs of this log too, beside those of the own one']],
    examples: [
      'assay attest export models/digits.safetensors --out digits.assay.jsonl',
      'assay attest export models/digits.safetensors --out oci://ghcr.io/acme/digits:1.2',
    ],
    load: async () => (await import('./commands/attest.ts')).attestExport,
  },
  {
    usage: 'attest import <path>',
    summary: 'keep exported evidence as evidence of this project: what the trust policy believes of it',
    examples: ['assay attest import digits.assay.jsonl', 'assay attest import oci://ghcr.io/acme/digits:1.2'],
    load: async () => (await import('./commands/attest.ts')).attestImport,
  },
  {
    usage: 'attest vsa [artifact]',
    summary: 'sign the verdict on an artifact, as a SLSA verification summary for those who do not verify themselves',
    options: [
      ['--out <file>', 'write it there: one DSSE envelope'],
      ['--policy <file>', 'judge by this trust policy'],
      ['--resource-uri <uri>', 'what the artifact is called where it is handed on'],
    ],
    examples: ['assay attest vsa models/digits.safetensors --out digits.vsa.json'],
    load: async () => (await import('./commands/attest-vsa.ts')).attestVsa,
  },
  {
    usage: 'bom [artifact]',
    summary: 'what an artifact was made of: data, packages, stages; as a bill of materials',
    options: [
      ['--format <name>', 'cyclonedx-1.6, cyclonedx-1.7 or spdx-3.0.1', 'cyclonedx-1.6'],
      ['--out <file>', 'write it there'],
    ],
    examples: ['assay bom models/digits.safetensors --out digits.cdx.json', 'assay bom --format spdx-3.0.1'],
    load: async () => (await import('./commands/bom.ts')).bom,
  },
  {
    usage: 'tlog append [files...]',
    summary: 'enter what is missing of the evidence, and these bundles, into the transparency log',
    options: [['--log <s3://...>', 'the log there, which several machines write; the own one when left out']],
    repeated: [
      ['--witness <url>', 'have this witness countersign the checkpoint'],
      ['--witness-key <key>', 'the key of that witness'],
    ],
    examples: [
      'assay tlog append',
      'assay tlog append --witness https://witness.example.org --witness-key witness.example.org+1a2b3c4d+BN...',
    ],
    load: async () => (await import('./commands/tlog.ts')).tlogAppend,
  },
  {
    usage: 'tlog prove [artifact]',
    summary: 'prove that the attestation of an artifact is in the log, or that the log grew out of a checkpoint',
    options: [
      ['--out <file>', 'write the proof there'],
      ['--from <checkpoint>', 'prove that the log grew out of this one'],
      ['--log <s3://...>', 'the log there; the own one when left out'],
    ],
    examples: [
      'assay tlog prove models/digits.safetensors --out digits.tlog-proof',
      'assay tlog prove --from seen.checkpoint',
    ],
    load: async () => (await import('./commands/tlog.ts')).tlogProve,
  },
  {
    usage: 'tlog verify [file]',
    summary: 'read the whole log of the project again; or one proof, offline',
    options: [
      ['--proof <file>', 'a proof: that FILE (a bundle, or its digest) is in the log, or that it grew out of FILE'],
      ['--key <key>', 'the key of the log; of the project its own when left out'],
      ['--log <s3://...>', 'the log there; the own one when left out'],
      ['--witnesses <n>', 'how many of the witnesses must have signed; all when left out'],
    ],
    repeated: [['--witness-key <key>', 'the key of a witness']],
    examples: [
      'assay tlog verify',
      'assay tlog verify train.sigstore.json --proof train.tlog-proof --key assay.dev/log/...',
    ],
    load: async () => (await import('./commands/tlog.ts')).tlogVerify,
  },
  {
    usage: 'tlog monitor [log]',
    summary: 'read what is new in a log (a folder, https:// or s3://), and refuse one that forks or goes back',
    options: [
      ['--state <file>', 'what was seen before; written again when the look is good'],
      ['--key <key>', 'the key of the log'],
      ['--witnesses <n>', 'how many of the witnesses must have signed; all when left out'],
      ['--every <seconds>', 'look again and again, until it is stopped'],
    ],
    repeated: [['--witness-key <key>', 'the key of a witness']],
    examples: [
      'assay tlog monitor --state ~/digits.seen',
      'assay tlog monitor https://logs.example.org/digits --key assay.dev/log/... --state ~/digits.seen --every 300',
    ],
    load: async () => (await import('./commands/tlog.ts')).tlogMonitor,
  },
  {
    usage: 'checkout [version]',
    summary: "put the data and outs of a commit or a run into the working tree, out of the store; code is git's",
    options: [
      ['--force', 'write over files whose bytes are kept nowhere else'],
      ['--dry-run', 'say what would be restored; change nothing'],
    ],
    examples: [
      'assay checkout',
      'assay checkout HEAD~1',
      'assay checkout 20261124T1015',
      'assay checkout v1.2 --dry-run',
    ],
    load: async () => (await import('./commands/checkout.ts')).checkout,
  },
  {
    usage: 'push [version]',
    summary: 'send data, outs and evidence of the working tree, a commit or a run to a remote',
    options: [
      ['--remote <name>', 'one of `remotes` in assay.yaml; the default when left out'],
      ['--environments', 'the packages of the environments too'],
      ['--permitted-only', 'leave out what is more secret than the remote is cleared for, instead of refusing all'],
      ['--rehash', 'read what is there already, every byte, and send again what is not right'],
      ['--dry-run', 'say what is missing there; send nothing'],
      ['--jobs <n>', 'so many transfers at a time', '8'],
    ],
    examples: ['assay push', 'assay push --dry-run', 'assay push v1.2 --remote archive'],
    load: async () => (await import('./commands/push.ts')).push,
  },
  {
    usage: 'pull [version]',
    summary: 'take data, outs and evidence of the working tree, a commit or a run from a remote, every byte verified',
    options: [
      ['--remote <name>', 'one of `remotes` in assay.yaml; the default when left out'],
      ['--environments', 'the packages of the environments too'],
      ['--store-only', 'leave the working tree as it is'],
      ['--force', 'write over files whose bytes are kept nowhere else'],
      ['--rehash', 'read the objects that are here already again, and fetch those that are not right'],
      ['--dry-run', 'say what is missing here; only evidence is fetched'],
      ['--jobs <n>', 'so many transfers at a time', '8'],
    ],
    examples: ['assay pull', 'assay pull --dry-run', 'assay pull v1.2 --store-only'],
    load: async () => (await import('./commands/pull.ts')).pull,
  },
  {
    usage: 'gc',
    summary: 'free what no lock, run or attestation refers to',
    options: [
      ['--dry-run', 'say what would be freed'],
      ['--keep-runs <n>', 'runs to keep', '50'],
    ],
    examples: ['assay gc --dry-run', 'assay gc'],
    load: async () => (await import('./commands/gc.ts')).gc,
  },
  {
    usage: 'completion <shell> [words...]',
    summary: 'a script that completes verbs, options and names of this project: bash, zsh or fish',
    examples: [
      'assay completion bash >> ~/.bashrc',
      'assay completion zsh >> ~/.zshrc',
      'assay completion fish > ~/.config/fish/completions/assay.fish',
    ],
    load: async () => (await import('./commands/completion.ts')).completion,
  },
]

/** The groups that have verbs of their own. */
export const groups: Readonly<Record<string, string>> = {
  model: 'the model: who approves it',
  data: 'the inventory of data sources',
  env: 'the environments that stages run with',
  key: 'the key that signs',
  secret: 'what stages may know and nobody else',
  trust: 'who is believed',
  attest: 'the evidence',
  tlog: 'the transparency log',
}

export type Invocation = (
  load: () => Promise<Action>,
  positional: readonly string[],
  options: Readonly<Record<string, unknown>>,
) => Promise<void>

/** The parser; `invoke` is called with the verb that the user meant, `say` with help that was asked for. */
export function buildProgram(version: string, invoke: Invocation, say: (text: string) => void): Command {
  const program = new Command('assay')
    .description('Runs ML pipelines so that their integrity can be proven, and refuses what cannot be proven.')
    .version(version)
    .exitOverride()
    .configureOutput({ outputError: () => undefined, writeOut: say }) // `main` tells every fault in one way
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      '\nExit codes: 0 done and trusted, 1 a check said no, 2 wrong input, 3 a stage failed, 4 the world failed.\nErrors: docs/reference/errors.md',
    )
  const parents = new Map<string, Command>()
  for (const verb of verbs) addVerb(program, parents, verb, invoke)
  return program
}

function addVerb(program: Command, parents: Map<string, Command>, verb: Verb, invoke: Invocation): void {
  const [first = '', ...rest] = verb.usage.split(' ')
  const summary = groups[first]
  let parent = program
  if (summary !== undefined) {
    parent = parents.get(first) ?? program.command(first).description(summary).exitOverride()
    parents.set(first, parent)
  }
  const command = parent
    .command(summary === undefined ? verb.usage : rest.join(' '))
    .description(verb.summary)
    .exitOverride()
  for (const [flags, text, fallback] of verb.options ?? []) command.option(flags, text, fallback)
  for (const [flags, text] of verb.repeated ?? []) {
    command.addOption(new Option(flags, text).argParser((value: string, before: string[] = []) => [...before, value]))
  }
  command.option('--json', 'one JSON document on stdout')
  command.addHelpText('after', `\nExamples:\n${verb.examples.map((example) => `  ${example}`).join('\n')}`)
  command.action(async (...given: unknown[]) => {
    const positional = given
      .slice(0, -2)
      .flat()
      .filter((value) => typeof value === 'string')
    refuseWords(command, given.slice(0, -2))
    await invoke(verb.load, positional, command.opts())
  })
}

export { CommanderError }
