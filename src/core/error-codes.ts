/**
 * Every code that assay can say, in one table: what it means, how the process exits, what to do next.
 *
 * `docs/reference/errors.md` is printed from this table, and a test holds the two and the code to the same set.
 * Exit: 1 a check said no, 2 the user's input is wrong, 3 a stage's command failed, 4 the world failed.
 */
export type ErrorEntry = Readonly<{ exit: 1 | 2 | 3 | 4; meaning: string; help: string }>

export const errorTable = {
  // usage and the world
  ERR_USAGE: { exit: 2, meaning: 'The command line is not understood.', help: 'run the command with --help' },
  ERR_INTERNAL: {
    exit: 4,
    meaning: 'An invariant of assay failed; nothing was signed.',
    help: 'report it with the command and its output',
  },
  ERR_IO: {
    exit: 4,
    meaning: 'A file could not be read or written.',
    help: 'look at the path, its permissions and the free space',
  },
  ERR_DISK_FULL: {
    exit: 4,
    meaning: 'The disk is full; the store is consistent.',
    help: 'free space (assay gc), then run again',
  },
  ERR_INPUT_MALFORMED: {
    exit: 2,
    meaning: 'A file is not what its format says.',
    help: 'mend the file at the place named',
  },
  ERR_INPUT_TOO_LARGE: {
    exit: 2,
    meaning: 'A file is over the limit that assay reads.',
    help: 'make the file smaller; the limits stand in docs/reference/limits.md',
  },
  ERR_PATH_UNSAFE: {
    exit: 2,
    meaning: 'A path leaves the project or its name is not plain.',
    help: 'use a plain relative path inside the project',
  },
  // project, plan and run
  ERR_PROJECT_MISSING: {
    exit: 2,
    meaning: 'There is no project here: no assay.yaml, no .dvc folder and no dvc.yaml in this folder or above it.',
    help: 'go to the project, or make one with assay init',
  },
  ERR_STAGE_UNKNOWN: {
    exit: 2,
    meaning: 'A stage was named that is not defined.',
    help: 'list the stages with assay status',
  },
  ERR_LOCK_MALFORMED: {
    exit: 2,
    meaning: 'assay.lock or dvc.lock is not what assay and DVC write.',
    help: 'take the file from the last commit, or delete it and run again',
  },
  ERR_FORMAT_NEWER: {
    exit: 2,
    meaning:
      'A file of the project, or its .assay folder, was written by a newer assay in a way that this one may misread.',
    help: 'update assay',
  },
  ERR_STAGE_FAILED: {
    exit: 3,
    meaning: 'The command of a stage ended with an error.',
    help: 'read its log with assay logs --stage NAME',
  },
  ERR_STAGE_NETWORK_DENIED: {
    exit: 1,
    meaning: 'A stage tried to reach the network, which it may not.',
    help: 'see where to with assay run --trace STAGE; fetch the data beforehand and register it with assay data add',
  },
  ERR_STAGE_NETWORK_UNKNOWN: {
    exit: 1,
    meaning: 'What a stage connected to is not known whole: its proxy was ended before it had told all.',
    help: 'run the stage again; a machine that is short of memory may have ended it (dmesg)',
  },
  ERR_STAGE_UNDECLARED_READ: {
    exit: 3,
    meaning: 'A stage asked for a file that it does not declare and therefore cannot see.',
    help: 'add the file to the deps of the stage in dvc.yaml',
  },
  ERR_STAGE_UNDECLARED_WRITE: {
    exit: 3,
    meaning: 'A stage tried to write where it may not: outside of its outs, or over one of its deps.',
    help: 'add the path to the outs of the stage in dvc.yaml (cache: false when it is no result), or write to /tmp',
  },
  ERR_STAGE_LIMIT: {
    exit: 3,
    meaning: 'A stage was ended because it went over a limit: time, memory, processes, output, I/O or network.',
    help: 'raise the limit in assay.yaml (limits) when the stage needs it',
  },
  ERR_STAGE_UPSTREAM: {
    exit: 1,
    meaning: 'A stage was not started, since one that it needs did not succeed.',
    help: 'mend the first failure',
  },
  ERR_OUT_MISSING: {
    exit: 1,
    meaning: 'A stage ended well but did not write an out that it declares.',
    help: 'write the out, or take it from dvc.yaml',
  },
  ERR_OUT_REFUSED: {
    exit: 1,
    meaning:
      'A stage wrote an out that is not plain data: a link, socket, device, set-uid file, hostile name or sparse monster.',
    help: 'write regular files and folders only',
  },
  ERR_DVC_CACHE_CORRUPT: {
    exit: 1,
    meaning: "An object of DVC's cache does not hold the bytes of its name: it was changed, or the disk is bad.",
    help: 'find out what wrote it, remove it, and get it again: dvc pull',
  },
  ERR_DATA_MISSING: {
    exit: 2,
    meaning: 'A dep is not in the workspace and no stage makes it.',
    help: 'get the data first (dvc pull TARGET)',
  },
  ERR_RUN_LEVEL: {
    exit: 1,
    meaning: 'The run did not reach the level that --require-level asks for.',
    help: 'assay verify says what is missing',
  },
  ERR_RUN_CANCELLED: {
    exit: 4,
    meaning: 'The run was stopped from outside.',
    help: 'run again: finished stages are kept',
  },
  ERR_RUN_UNKNOWN: {
    exit: 2,
    meaning: 'A run was named that is not on record here.',
    help: 'leave the name out for the latest run',
  },
  ERR_RUN_BUSY: { exit: 4, meaning: 'Another assay process is running this project.', help: 'wait until it has ended' },
  ERR_STAGE_UNEXPECTED: {
    exit: 1,
    meaning: 'A stage used other resources, or started other programs, than its definition expects.',
    help: 'find out why: assay show --stage NAME --resources; then mend the stage, or `expect` in assay.yaml',
  },
  ERR_STAGE_UNUSUAL: {
    exit: 1,
    meaning: 'A run of a stage was unlike its earlier runs, and the project requires usual resources.',
    help: 'find out why: assay show --stage NAME --resources; when it is as it should be, run it with --accept-unusual',
  },
  ERR_SECRET_LEAKED: {
    exit: 1,
    meaning: 'A secret, or another credential, stands in what a stage made or printed.',
    help: 'have the stage write nothing of it; whoever may have seen it: change the secret',
  },
  ERR_SECRET_NOT_GRANTED: {
    exit: 1,
    meaning: 'A stage asks for a secret that you did not grant to it.',
    help: 'read what the stage does, then: assay secret grant NAME --stage STAGE --file PATH',
  },
  ERR_SECRET_UNAVAILABLE: {
    exit: 1,
    meaning: 'A secret that was granted cannot be had from where it lies.',
    help: 'see where it is looked for: assay secret list',
  },
  ERR_SANDBOX_UNAVAILABLE: {
    exit: 4,
    meaning: 'This machine cannot isolate a stage: a program is missing, too old, or user namespaces are switched off.',
    help: 'assay doctor says what to install or enable; --unsafe-no-sandbox runs without isolation and says so in the evidence',
  },
  ERR_EVIDENCE_ENGINE: {
    exit: 1,
    meaning: 'A stage ran in an engine that isolates less than the trust policy demands for it.',
    help: 'run it in that engine: assay run --engine gvisor, or `engine: gvisor` in assay.yaml',
  },
  ERR_ENGINE_UNAVAILABLE: {
    exit: 4,
    meaning: 'The engine that a stage is to run in is not installed here, or a trial of it did not start.',
    help: 'assay doctor says what to install; assay run --engine bubblewrap where no stage demands another',
  },
  ERR_ENGINE_UNSUPPORTED: {
    exit: 1,
    meaning: 'The engine cannot do what this run asks of it; the stage has not run.',
    help: 'ask for less, or give another engine: assay run --engine bubblewrap',
  },
  ERR_ENGINE_WEAKER: {
    exit: 1,
    meaning: 'A stage is to run in an engine that isolates less than the project or its trust policy demands.',
    help: 'run it in the engine that is demanded: assay run without --engine, or with that one',
  },
  // contracts and validation of data
  ERR_DATA_CONTRACT_MALFORMED: {
    exit: 2,
    meaning: 'A data contract is not what its language asks for.',
    help: 'mend the contract at the place named; assay data contract --from DATASET drafts one',
  },
  ERR_DATA_CONTRACT_VERSION: {
    exit: 2,
    meaning: 'A data contract is in a language or a version that is not read.',
    help: 'write it as Open Data Contract v3.1.0 (docs/reference/data-contracts.md)',
  },
  ERR_DATA_CONTRACT_TABLE: {
    exit: 2,
    meaning: 'No table of the contract stands for the file.',
    help: 'name the file like the schema object that describes it',
  },
  ERR_DATA_BASELINE_MALFORMED: {
    exit: 2,
    meaning: 'A baseline is not what assay data profile writes, or is of a version that is not read.',
    help: 'make it again with assay data profile FILE --out BASELINE',
  },
  ERR_DATA_UNREADABLE: {
    exit: 1,
    meaning: 'Data is not what its format says, or does things that readers disagree about; it never passes.',
    help: 'look at the place named, and write the file again with a tool that keeps the format',
  },
  ERR_DATA_LIMIT: {
    exit: 1,
    meaning: 'Data is over a limit of the validator: columns, bytes of a field, bytes when unpacked, time or memory.',
    help: 'the limits stand in docs/reference/data-contracts.md; split or repack the data',
  },
  ERR_DATA_VALIDATOR_FAILED: {
    exit: 1,
    meaning: 'The process that looks at the data ended without a verdict; the data is not treated as passed.',
    help: 'look at what it printed; data that ends its reader is not data to train on',
  },
  ERR_ENV_VARIABLE_MISSING: {
    exit: 2,
    meaning: 'A stage passes a variable through that the caller does not have.',
    help: 'set the variable, or give its value in assay.yaml',
  },
  ERR_ARTIFACT_MISSING: {
    exit: 1,
    meaning: 'The artifact to be verified is not there.',
    help: 'name a file or folder that exists',
  },
  ERR_GATE_FAILED: {
    exit: 1,
    meaning: 'A gate of the model does not hold on metrics that evidence proves.',
    help: 'look at the metrics; a gate is changed in assay.yaml, by a reviewed commit',
  },
  ERR_REPRODUCTION_UNAVAILABLE: {
    exit: 1,
    meaning: 'What a stage was made from can no longer be had, so it cannot be run again.',
    help: 'bring back the commit or the data that is named',
  },
  ERR_EVIDENCE_MISSING: {
    exit: 1,
    meaning: 'There is no evidence for an artifact.',
    help: 'make it with assay run, or name its evidence with --evidence FILE',
  },
  ERR_DEFINITION_INVALID: {
    exit: 2,
    meaning: 'A dvc.yaml or .dvc file is not what DVC would accept.',
    help: 'mend the file at the place named',
  },
  ERR_DEFINITION_CYCLE: {
    exit: 2,
    meaning: 'Stages depend on each other in a circle.',
    help: 'take one of the deps or outs out of the circle',
  },
  ERR_OUT_OVERLAP: {
    exit: 2,
    meaning: 'Two outs are the same path, or one lies inside the other.',
    help: 'give each out its own path',
  },
  ERR_PARAMS_INVALID: {
    exit: 2,
    meaning: 'A params file cannot be read, or a parameter that is asked for is not in it.',
    help: 'mend the params file, or the name of the parameter',
  },
  ERR_SETTINGS_INVALID: {
    exit: 2,
    meaning: 'assay.yaml is not what its format says.',
    help: 'mend the file at the place named',
  },
  ERR_ENV_UNSUPPORTED: {
    exit: 2,
    meaning: 'The environment is of a kind that this version cannot build.',
    help: 'use a hash-locked requirements file, pylock.toml, uv.lock, poetry.lock or Pipfile.lock, an image with its digest, or the environment host',
  },
  // data: the store, the workspace, sources
  ERR_STORE_MISSING: {
    exit: 4,
    meaning: 'An object is not in the store.',
    help: 'make it again with assay run --force',
  },
  ERR_STORE_CORRUPT: {
    exit: 4,
    meaning: 'An object of the store does not hold the bytes of its name; it was set aside and is not served.',
    help: 'make it again with assay run; look at the disk',
  },
  ERR_STORE_BUSY: {
    exit: 4,
    meaning: 'The store is in use, so nothing can be collected, or it is being collected.',
    help: 'wait until the other assay process has ended',
  },
  ERR_DATA_NOT_PLAIN: {
    exit: 2,
    meaning: 'Data holds something that is not a plain file or folder: a link, socket, fifo, device or hostile name.',
    help: 'replace the entry that is named by a regular file with a plain name',
  },
  ERR_DATA_CHANGED: {
    exit: 2,
    meaning: 'A file changed while it was being read.',
    help: 'wait until nothing writes the data, then run again',
  },
  ERR_DATA_STAT_CACHE_WRONG: {
    exit: 1,
    meaning: 'A file holds other bytes than last time although its size, times and inode are the same.',
    help: 'find out what wrote the file that is named, then run again with --rehash',
  },
  ERR_SOURCES_INVALID: {
    exit: 2,
    meaning: 'sources.yaml is not what its format says.',
    help: 'mend the file at the place named',
  },
  ERR_SOURCE_EXISTS: {
    exit: 2,
    meaning: 'A source of this id is in the inventory already.',
    help: 'choose another id for other data; what is on record is changed with --replace, and approved anew',
  },
  ERR_SOURCE_NOT_LISTED: {
    exit: 2,
    meaning: 'A source was named that is not in the inventory.',
    help: 'list the sources with assay data list',
  },
  ERR_SOURCE_UNKNOWN: {
    exit: 1,
    meaning: 'An input names a source that is not in the inventory, or whose bytes are not on record.',
    help: 'register it with assay data add ID PATH',
  },
  ERR_SOURCE_UNAPPROVED: {
    exit: 1,
    meaning: 'Nobody has approved the source of an input for these bytes.',
    help: 'look at the data, then approve it with assay data approve ID',
  },
  ERR_SOURCE_REVOKED: {
    exit: 1,
    meaning: 'The source of an input was revoked.',
    help: 'use another source; a revocation is final',
  },
  ERR_SOURCE_EXPIRED: {
    exit: 1,
    meaning: 'The review date of the source of an input has passed.',
    help: 'review the source, set a new review-by date and approve it again',
  },
  ERR_SOURCE_CHANGED: {
    exit: 1,
    meaning: 'An input does not hold the bytes that are on record for its source.',
    help: 'restore the bytes on record, or register the new ones as a source of their own',
  },
  ERR_DATA_STAMPS_STALE: {
    exit: 1,
    meaning: 'A table of stamped rows holds triggers that were suspected in other bytes than the data has now.',
    help: 'stamp again: assay data stamp, with --replace; look at the triggers, and approve the table',
  },
  ERR_SOURCE_OVERCLASSIFIED: {
    exit: 1,
    meaning: 'The source of an input is classified above what the pipeline is cleared for.',
    help: 'use other data, or have the clearance in assay.yaml raised and reviewed',
  },
  // data: git
  ERR_GIT_UNAVAILABLE: {
    exit: 4,
    meaning: 'This is a git repository and there is no git to read it with.',
    help: 'install git 2.30 or newer',
  },
  ERR_GIT_FAILED: { exit: 4, meaning: 'git could not read the repository.', help: 'try git fsck' },
  ERR_GIT_UNSAFE: {
    exit: 2,
    meaning: 'The repository belongs to another user, who could have prepared it.',
    help: 'work as its owner, or trust it with git config --global --add safe.directory PATH',
  },
  ERR_GIT_CORRUPT: {
    exit: 1,
    meaning: 'A git object does not hold the bytes of its name, or is not what git writes; or a `.git` leads nowhere.',
    help: 'try git fsck; clone the repository afresh',
  },
  ERR_GIT_REPLACE_REFS: {
    exit: 1,
    meaning: 'The repository replaces objects by others (refs/replace); assay reads the originals.',
    help: 'remove them with git replace --delete',
  },
  ERR_GIT_GRAFTS: {
    exit: 1,
    meaning: 'The repository rewrites its history with info/grafts; assay ignores them.',
    help: 'remove .git/info/grafts',
  },
  ERR_GIT_ALTERNATES: {
    exit: 1,
    meaning: 'The repository takes objects from elsewhere; assay re-hashes every object.',
    help: 'make the clone complete with git repack -a -d, then remove .git/objects/info/alternates',
  },
  ERR_GIT_WORKTREE: {
    exit: 1,
    meaning: 'The configuration of the repository says that its files lie elsewhere (core.worktree).',
    help: 'remove it with git config --unset core.worktree',
  },
  ERR_GIT_INCLUDES: {
    exit: 1,
    meaning: 'The configuration of the repository includes other files; assay does not read them.',
    help: 'remove include.path from .git/config',
  },
  ERR_ENV_LOCK_INVALID: {
    exit: 2,
    meaning: 'A lock of dependencies is not what its format says, or asks for what a lock cannot pin.',
    help: 'mend the lock at the line named, or make it anew with the tool that wrote it',
  },
  ERR_ENV_HASH_MISSING: {
    exit: 1,
    meaning: 'A locked requirement carries no SHA-256.',
    help: 'make a lock with hashes: assay env lock',
  },
  ERR_ENV_UNPINNED: {
    exit: 1,
    meaning: 'A requirement of a lock is not pinned to one version, or an image not to its digest.',
    help: 'make a lock with pins and hashes (assay env lock), or ask for the digest of an image (assay env lock --image NAME)',
  },
  ERR_ENV_SOURCE_DIST: {
    exit: 1,
    meaning:
      'Only a source distribution matches the lock, and assay.yaml does not let it be built, or what its build needs is not locked.',
    help: 'lock a version that has a wheel, or let it be built in the sandbox: sdists: [NAME] and buildLock in assay.yaml',
  },
  ERR_ENV_NO_WHEEL: {
    exit: 1,
    meaning: 'No wheel that the lock allows fits this interpreter and platform.',
    help: 'make the lock anew for this interpreter, or use the interpreter that it was made for',
  },
  ERR_ENV_HASH_MISMATCH: {
    exit: 1,
    meaning: 'The bytes of a dependency, or of an image, are not those that are pinned.',
    help: 'do not use it; compare the pinned digest with the release that its project published',
  },
  ERR_ENV_RESOLVE: {
    exit: 1,
    meaning: 'No set of packages meets all that the project asks for.',
    help: 'read which requirements contradict one another, change one of them, then lock again',
  },
  ERR_ENV_FETCH: {
    exit: 4,
    meaning: 'A dependency could not be fetched.',
    help: 'look at the network, the proxy (HTTPS_PROXY), the index (PIP_INDEX_URL) and its authority (SSL_CERT_FILE)',
  },
  ERR_ENV_GONE: {
    exit: 1,
    meaning: 'A dependency, or an image, is nowhere: each place that was asked answered, and none has it.',
    help: 'name a place that has it (PIP_INDEX_URL, or a folder of wheels in PIP_FIND_LINKS), or lock what there is',
  },
  ERR_ENV_WHEEL_REFUSED: {
    exit: 1,
    meaning: 'A wheel is not what a wheel may be: its RECORD, names, headers or sizes lie, or it holds links.',
    help: 'do not install it; tell the project that published it',
  },
  ERR_ENV_IMAGE_REFUSED: {
    exit: 1,
    meaning:
      'An image is not what an image may be: its documents, layers, names or sizes lie, or it holds devices or what leads out of it.',
    help: 'do not use it; tell whoever made it',
  },
  ERR_ENV_PLATFORM: {
    exit: 1,
    meaning: 'An image, or a lock of conda, is made for other machines than this one.',
    help: 'name an image, or an index of images, that has one for this platform; lock conda for it: conda-lock --platform',
  },
  ERR_ENV_PACKAGE_REFUSED: {
    exit: 1,
    meaning:
      'A package of npm or conda is not what one may be: it holds devices, names that climb out, or is another package.',
    help: 'do not install it; tell the project that published it',
  },
  ERR_ENV_INTERPRETER: {
    exit: 2,
    meaning: 'The interpreter of an environment (Python, Node.js) is missing or cannot be used.',
    help: 'install CPython 3.8 or newer, or Node.js, or name one in assay.yaml (interpreter)',
  },
  ERR_ENV_RUNNER: {
    exit: 1,
    meaning:
      'A command begins with a program that chooses an environment (poetry run, conda run), and assay was called from another one.',
    help: 'call assay through it, such as poetry run assay run, or activate the environment first',
  },
  ERR_ENV_CHANGED: {
    exit: 1,
    meaning: 'Files of a verified environment were changed while stages ran with it.',
    help: 'find out who wrote there, then run again: the environment is built anew',
  },
  ERR_GPU_UNAVAILABLE: {
    exit: 1,
    meaning: 'A stage asks for more GPUs than this machine has, or than its engine or environment can give it.',
    help: 'run it where they are, or take `gpus` out of its limits in assay.yaml',
  },
  ERR_SYSTEM_CHANGED: {
    exit: 1,
    meaning: 'A stage would run, or ran, on another system (packages, C library, interpreter) than assay.lock accepts.',
    help: 'look at what moved, then accept it: assay env accept-system, and commit assay.lock',
  },
  ERR_ENV_BUILD: {
    exit: 4,
    meaning: 'An environment could not be built from artefacts that are right.',
    help: 'read the message; delete .assay/environments and run again',
  },
  // attestation
  ERR_BUNDLE_MALFORMED: {
    exit: 2,
    meaning: 'Bytes are not a Sigstore bundle v0.3, or could be read in two ways.',
    help: 'get the evidence again from where it was made',
  },
  ERR_BUNDLE_UNSUPPORTED: {
    exit: 1,
    meaning: 'A bundle is of a version or kind that is not accepted here: as evidence of a project, a certificate.',
    help: 'evidence of a project is a bundle v0.3 signed by a key; one bundle alone: assay verify FILE --bundle',
  },
  ERR_TRUST_KIND: {
    exit: 1,
    meaning: 'A bundle is signed in another way than it was to be judged by: a certificate by --key, a key by --ca.',
    help: 'ask those who made it how it is signed, and give that trust: --key, --ca, or --identity and --issuer',
  },
  ERR_CERTIFICATE_MALFORMED: {
    exit: 2,
    meaning: 'Bytes are not an X.509 certificate in PEM, or not one that can be read.',
    help: 'give the certificate as PEM',
  },
  ERR_CERTIFICATE_UNTRUSTED: {
    exit: 1,
    meaning: 'No authority that is trusted vouches for a certificate.',
    help: 'do not use the artifact, or give the authority of those who made it (--ca, --trusted-root)',
  },
  ERR_CERTIFICATE_EXPIRED: {
    exit: 1,
    meaning: 'A certificate is not valid now, and nothing proves that it signed when it was.',
    help: 'have the artifact signed again with a certificate that is valid',
  },
  ERR_CERTIFICATE_USAGE: {
    exit: 1,
    meaning: 'A certificate signed that is not made for signing (neither digitalSignature nor code signing).',
    help: 'have the artifact signed with a certificate for signing',
  },
  ERR_IDENTITY_MISMATCH: {
    exit: 1,
    meaning: 'A certificate is of another identity or issuer, or says other of its run, than was asked for.',
    help: 'do not use the artifact; compare letter by letter what --identity and --issuer, or identities of trust.yaml, say with what is found',
  },
  ERR_BUNDLE_LOG_ENTRY: {
    exit: 1,
    meaning:
      'An entry of a transparency log does not verify, or is about something else, or there is none where one is due.',
    help: 'do not use the artifact; when the log is another one, give its trusted root (--trusted-root)',
  },
  ERR_BUNDLE_TIMESTAMP: {
    exit: 1,
    meaning: 'A timestamp of a bundle does not verify, or there is none where one is due.',
    help: 'do not use the artifact; when the authority is another one, give its trusted root (--trusted-root)',
  },
  ERR_TRUSTED_ROOT_MALFORMED: {
    exit: 2,
    meaning: 'A file is not a Sigstore trusted root.',
    help: 'get trusted_root.json from those who run the instance',
  },
  ERR_MODEL_EMPTY: {
    exit: 1,
    meaning: 'A model has no files: there is nothing that could be signed or verified.',
    help: 'name the folder that holds the model',
  },
  ERR_MODEL_NOT_PLAIN: {
    exit: 1,
    meaning: 'A model holds what is no file: a link, one that leads out of it or round in a circle, a fifo, a device.',
    help: 'put the file itself there, or leave the path out with --ignore',
  },
  ERR_MODEL_INCOMPLETE: {
    exit: 1,
    meaning: 'Files that were signed are not in the model.',
    help: 'get the model again from where it was made',
  },
  ERR_MODEL_EXTRA: {
    exit: 1,
    meaning: 'A model holds files that were never signed.',
    help: 'find out who put them there; leave a path out with --ignore, or all of them with --ignore-unsigned',
  },
  ERR_MODEL_CHANGED: {
    exit: 1,
    meaning: 'Files of a model have other bytes than those that were signed.',
    help: 'do not use the model; get it again from where it was made',
  },
  ERR_MANIFEST_INCONSISTENT: {
    exit: 1,
    meaning: 'The digest that a signed manifest gives the model is not that of the files it lists.',
    help: 'have the model signed again with a tool that follows OpenSSF Model Signing',
  },
  ERR_SIGN_CERTIFICATE: {
    exit: 2,
    meaning: 'The certificate that was to be put beside a signature is not of the key that signs.',
    help: 'give the certificate that was issued for the key',
  },
  ERR_SIGNATURE_INVALID: {
    exit: 1,
    meaning: 'A signature does not fit the bytes that it is said to sign.',
    help: 'do not use the artifact; get it and its evidence again from where it was made',
  },
  ERR_SIGNER_UNKNOWN: {
    exit: 1,
    meaning: 'Evidence is signed by a key that the trust policy does not list.',
    help: 'get the policy of those who made it (--policy), or make the artifact here with assay run',
  },
  ERR_SIGNER_ROLE: {
    exit: 1,
    meaning: 'Evidence is signed by a known key that is not listed for this role.',
    help: 'have it signed by a key of the role, or list the key under the role in the trust policy',
  },
  ERR_BUILDER_UNLISTED: {
    exit: 1,
    meaning: 'The trust policy does not list this key for the builder that the statement names.',
    help: 'list the key and the builder under roles: builder in the trust policy, if you trust the two together',
  },
  ERR_STATEMENT_MALFORMED: {
    exit: 1,
    meaning: 'Correctly signed bytes are not a statement that assay understands.',
    help: 'make the evidence again with this version of assay',
  },
  ERR_STATEMENT_UNSUPPORTED: {
    exit: 1,
    meaning: 'A statement is of a type, version or build type that is not the one needed here.',
    help: 'update assay, or give the evidence that is asked for',
  },
  ERR_SUBJECT_MISMATCH: {
    exit: 1,
    meaning: 'The artifact is not among those that its evidence names: its bytes differ.',
    help: 'do not use it; assay run restores the bytes that were proven',
  },
  ERR_EVIDENCE_CORRUPT: {
    exit: 1,
    meaning: 'The bytes of an attestation are not those that were pinned.',
    help: 'delete it and get it again, or run again',
  },
  ERR_EVIDENCE_FUTURE: {
    exit: 1,
    meaning: 'A statement is dated in the future, or ends before it starts.',
    help: 'set the clock of this machine, or distrust the one that signed',
  },
  ERR_EVIDENCE_DIRTY: {
    exit: 1,
    meaning: 'A stage ran on files that are in no commit.',
    help: 'commit, then run again',
  },
  ERR_EVIDENCE_OVERRIDE: {
    exit: 1,
    meaning: 'A stage ran with parameters that were given on the command line.',
    help: 'write the values into the params file, commit, then run again',
  },
  ERR_EVIDENCE_UNISOLATED: {
    exit: 1,
    meaning: 'A stage ran without a sandbox, or as a draft.',
    help: 'run again without --unsafe-no-sandbox and --draft',
  },
  ERR_CHAIN_LINK: {
    exit: 1,
    meaning: 'A stage used bytes that the statement it builds on did not make.',
    help: 'do not use the artifact; run again from the stage that is named',
  },
  ERR_CHAIN_PROJECT: {
    exit: 1,
    meaning: 'A statement belongs to another project.',
    help: 'give the evidence of this project, or the policy of that one (--policy)',
  },
  ERR_DATA_FETCH: {
    exit: 4,
    meaning: 'Data could not be fetched from where it comes from; what arrived is kept and taken up again.',
    help: 'look at the address, the network, the proxy (HTTPS_PROXY) and its authority (SSL_CERT_FILE), then try again',
  },
  ERR_REMOTE_UNKNOWN: {
    exit: 2,
    meaning: 'No remote of that name is configured, or none at all, or several and none is the default.',
    help: 'write it into assay.yaml: remotes: {team: {url: /mnt/store}}; name one with --remote NAME',
  },
  ERR_REMOTE_FAILED: {
    exit: 4,
    meaning: 'A remote cannot be reached, read or written; what was transferred stays.',
    help: 'look at the address, your credentials and the space there, then try again: it goes on where it broke off',
  },
  ERR_REMOTE_MISSING: {
    exit: 1,
    meaning: 'A remote does not have what the evidence names; all that it has was taken.',
    help: 'push from where it was made: assay push',
  },
  ERR_REMOTE_CORRUPT: {
    exit: 1,
    meaning: 'A remote holds, or gives, other bytes than their name says; none of them were taken.',
    help: 'find out who changed them; then push again with --rehash from where it was made',
  },
  ERR_REMOTE_UNSAFE: {
    exit: 1,
    meaning: 'A remote, or a name in it, is not what assay makes: a link, a device, files of others, another protocol.',
    help: 'look at what lies there; give assay a folder or a prefix of its own',
  },
  ERR_REMOTE_CLASSIFIED: {
    exit: 1,
    meaning: 'Data, or what was made of it, is more secret than the remote is cleared for; nothing was sent.',
    help: 'push to a remote with that `classification` in assay.yaml, or leave it out with --permitted-only',
  },
  ERR_REMOTE_EVIDENCE: {
    exit: 1,
    meaning: 'Evidence that is named here is not believed by the trust policy; it was not taken.',
    help: 'find out who signed it (assay trust show says who is believed); run the stage again',
  },
  ERR_CHECKOUT_CHANGED: {
    exit: 1,
    meaning: 'Files in the working tree would be written over whose bytes are kept nowhere else; nothing was changed.',
    help: 'keep them first (assay run, assay data add, or move them away), or give --force',
  },
  ERR_COMMIT_UNKNOWN: {
    exit: 2,
    meaning: 'What was named is neither a commit that is here nor a run on record.',
    help: 'git log names the commits, assay show --all the runs; a shallow clone lacks the older ones',
  },
  ERR_DATA_SPLIT_VIEW: {
    exit: 1,
    meaning: 'The address serves other bytes now than those on record; they were not taken.',
    help: 'find out who changed them; to register them as new data: assay data add ID URL --replace',
  },
  ERR_DATA_VALIDATION_FAILED: {
    exit: 1,
    meaning: 'A check of the data failed; no stage is started on it.',
    help: 'look at the checks and rows: assay data validate PATH',
  },
  ERR_DATA_NOT_PASSED: {
    exit: 1,
    meaning: 'Data passed its validation with warnings only, and assay.yaml asks for more (require: [passed-data]).',
    help: 'look at the checks: assay data validate PATH; mend the data, give it a contract, fix an anchor',
  },
  ERR_DATA_GOLDEN_DISAGREES: {
    exit: 1,
    meaning: 'Data is no anchor, since it disagrees with the golden set whose labels people have verified.',
    help: 'look at the rows that are named, find out which of the two is wrong, and mend it',
  },
  ERR_DATA_GOLDEN_USED: {
    exit: 1,
    meaning: 'A stage would read, or has read, a golden set: what a model is made of cannot judge it.',
    help: 'take it out of the deps of the stage, and out of folders and copies that it reads',
  },
  ERR_DATA_VERDICT_MISMATCH: {
    exit: 1,
    meaning: 'A data verdict is for other bytes than those that were used.',
    help: 'validate the data again, then run again',
  },
  ERR_DATA_WAIVER_MISMATCH: {
    exit: 1,
    meaning: 'A waiver is for another check, for other bytes, or for fewer rows than failed.',
    help: 'waive the check for these bytes, or mend the data',
  },
  ERR_DATA_WAIVER_EXPIRED: {
    exit: 1,
    meaning: 'The waiver of a check has expired.',
    help: 'mend the data, or let a reviewer waive the check again',
  },
  ERR_CHAIN_ORDER: {
    exit: 1,
    meaning: 'A stage started before one that it builds on had ended.',
    help: 'do not use the artifact; run again',
  },
  ERR_CHAIN_LIMIT: {
    exit: 1,
    meaning: 'Evidence is larger, deeper or wider than one verification reads.',
    help: 'the limits stand in docs/formats/stage-provenance.md',
  },
  ERR_CHAIN_COMMITS: {
    exit: 1,
    meaning: 'The chain spans several commits, and the policy demands one.',
    help: 'run everything again at one commit (assay run --force)',
  },
  ERR_DEFINITION_MISMATCH: {
    exit: 1,
    meaning: 'A definition file that a stage used is not the one in the commit that its evidence names.',
    help: 'do not use the artifact; run again at the commit',
  },
  ERR_LOG_MISSING: {
    exit: 1,
    meaning: 'The log of a stage, which is kept here, is gone or not the one that was signed.',
    help: 'run the stage again (assay run --force STAGE)',
  },
  ERR_TLOG_MALFORMED: {
    exit: 2,
    meaning: 'A checkpoint, proof, tile or key of a transparency log is not what its format says.',
    help: 'take the file from the log again; the formats stand in docs/formats/transparency-log.md',
  },
  ERR_TLOG_SIGNATURE: {
    exit: 1,
    meaning: 'A checkpoint is not signed by the log that it names, or was changed.',
    help: 'ask the owner of the log for its key and its checkpoint',
  },
  ERR_TLOG_WITNESS: {
    exit: 1,
    meaning: 'Fewer witnesses signed a checkpoint than are asked for.',
    help: 'have it witnessed: assay tlog append --witness URL',
  },
  ERR_TLOG_PROOF: {
    exit: 1,
    meaning: 'A proof does not show what it is said to show: an entry in a log, or one log grown out of another.',
    help: 'make the proof again: assay tlog prove',
  },
  ERR_TLOG_FORK: {
    exit: 1,
    meaning: 'A log shows two histories: what it shows now is not what was seen before, or not what it holds.',
    help: 'keep both checkpoints, believe nothing that the log alone speaks for, and ask its owner',
  },
  ERR_TLOG_REWIND: {
    exit: 1,
    meaning: 'A log has fewer entries than were seen before.',
    help: 'keep the checkpoint that was seen, and ask the owner of the log what became of the rest',
  },
  ERR_TLOG_ENTRY: {
    exit: 1,
    meaning: 'An attestation is not in the transparency log.',
    help: 'enter what is missing: assay tlog append',
  },
  ERR_TLOG_MISSING: {
    exit: 1,
    meaning: 'There is no log, or a part of it is gone.',
    help: 'make it, or enter what is missing: assay tlog append',
  },
  ERR_TLOG_UNREACHABLE: {
    exit: 4,
    meaning: 'A log or a witness did not answer as its protocol says.',
    help: 'try again; look at the address and the network',
  },
  ERR_LEVEL_TOO_LOW: {
    exit: 1,
    meaning: 'The level that the evidence earns is below the minimum of the trust policy.',
    help: 'assay verify says what is missing',
  },
  ERR_POLICY_MALFORMED: {
    exit: 2,
    meaning: 'A trust policy is not what its format says.',
    help: 'mend the file at the place named; docs/formats/trust-policy.md',
  },
  ERR_POLICY_EXPIRED: {
    exit: 1,
    meaning: 'The trust policy has expired.',
    help: 'get a newer policy; its owner sets a new date after reviewing it',
  },
  ERR_KEY_HOME: {
    exit: 2,
    meaning: 'There is no signing key for this project, or no safe folder to keep one.',
    help: 'make a key with assay key new, or set ASSAY_SIGNING_KEY_FILE',
  },
  ERR_KEY_LOCKED: {
    exit: 2,
    meaning: 'The signing key is encrypted and no passphrase, or a wrong one, was given.',
    help: 'set ASSAY_KEY_PASSPHRASE to the passphrase of the key',
  },
  ERR_KEY_EXPOSED: {
    exit: 2,
    meaning: 'The signing key, or a folder that leads to it, can be read or replaced by others.',
    help: 'chmod -R go-rwx on the key folder; when others may have read the key, revoke it',
  },
  ERR_KEY_MALFORMED: {
    exit: 2,
    meaning:
      'A key is not PEM of an ECDSA key on P-256 or of an Ed25519 key, or of another kind that is taken at this place.',
    help: 'make one with assay key new',
  },
  ERR_KEY_EXISTS: {
    exit: 2,
    meaning: 'There is a key for this project already.',
    help: 'assay key show prints it; assay key revoke withdraws it',
  },
  ERR_KEY_CHECKOUT: {
    exit: 2,
    meaning: 'The key of this project was not made for a checkout at this place.',
    help: 'if this checkout is yours, say so once with assay key use',
  },
  ERR_KEY_REVOKED: {
    exit: 2,
    meaning: 'The key was revoked: it signs no more, and what it signed since, or at an unproven time, is void.',
    help: 'make a new one (assay key new), list it in trust.yaml, and run again what is void',
  },
  ERR_KEY_EXPIRED: {
    exit: 1,
    meaning: 'A key signed outside of the time for which the policy lists it, or nothing proves that it signed within.',
    help: 'run again with the key that is listed now; timestamps or witnesses prove times (docs/guides/keys.md)',
  },
  ERR_STATEMENT_REVOKED: {
    exit: 1,
    meaning: 'A statement was taken back by those who keep the policy.',
    help: 'do not use the artifact; make it again',
  },
  ERR_RECALLED: {
    exit: 1,
    meaning: 'A model, or data behind it, was recalled by those who keep the policy.',
    help: 'do not use it; the reason stands in the finding',
  },
  ERR_TIMESTAMP_FAILED: {
    exit: 4,
    meaning: 'The timestamp authority did not answer, or not with a timestamp that the policy believes.',
    help: 'look at ASSAY_TSA_URL and at timestamps in trust.yaml; without ASSAY_TSA_URL nothing is asked',
  },
  ERR_CLOCK_BEHIND: {
    exit: 1,
    meaning: 'The clock of this machine is behind a time that was proven: it cannot say what has expired.',
    help: 'set the clock, then verify again',
  },
  ERR_STATUS_MALFORMED: {
    exit: 1,
    meaning: 'A status of trust is not what its format says.',
    help: 'get it again from those who keep the policy: docs/formats/trust-status.md',
  },
  ERR_STATUS_MISSING: {
    exit: 1,
    meaning: 'The policy asks for a status, and none is known.',
    help: 'give it with --status FILE',
  },
  ERR_STATUS_EXPIRED: {
    exit: 1,
    meaning: 'The status of trust has expired: what was taken back since is not known.',
    help: 'get the newest from those who keep the policy, and give it with --status FILE',
  },
  ERR_STATUS_ROLLBACK: {
    exit: 1,
    meaning: 'A status is older than one that was seen here, or another one of the same number.',
    help: 'get the newest from those who keep the policy',
  },
  ERR_POLICY_UNSIGNED: {
    exit: 1,
    meaning: 'A policy that names root keys is not signed by enough of them.',
    help: 'let the root keys sign it: assay trust sign',
  },
  ERR_POLICY_ROLLBACK: {
    exit: 1,
    meaning: 'A policy has no higher version than the one that was pinned before.',
    help: 'get the newest from those who keep it',
  },
  ERR_POLICY_DEMAND: {
    exit: 1,
    meaning: 'The trust policy asks for evidence that the chain does not have.',
    help: 'see the finding: it names what is asked for and of which stage',
  },
  ERR_EVIDENCE_OLD: {
    exit: 1,
    meaning: 'A stage ran longer ago than the policy allows.',
    help: 'run it again: assay run --force STAGE',
  },
  ERR_SIGN_REFUSED: {
    exit: 1,
    meaning:
      'The signer refused: an object is not what was to be signed, or the statement may not be made with this key.',
    help: 'run the stage again; when it happens again, the store is damaged: look at the disk',
  },
  ERR_SIGNER_ADDRESS: {
    exit: 2,
    meaning: 'The address of a signing key that is kept elsewhere is not understood.',
    help: 'write it as docs/guides/signers.md shows',
  },
  ERR_SIGNER_DENIED: {
    exit: 4,
    meaning: 'What holds the signing key, or certifies and records for an identity, refuses.',
    help: 'look at the credentials of the caller and at what they may do with the key',
  },
  ERR_SIGNER_UNREACHABLE: {
    exit: 4,
    meaning: 'What holds the signing key does not answer, or not as its API says.',
    help: 'look at the address, the network and the service, then run again',
  },
  ERR_SIGNER_WRONG: {
    exit: 1,
    meaning: 'What holds the signing key answers with another key, or with a signature that does not verify.',
    help: 'use nothing of it; ask whoever runs the service whether the key was changed',
  },
  ERR_KEY_PIN: {
    exit: 2,
    meaning: 'A token refuses its PIN, or is about to lock itself; assay does not try again.',
    help: 'try the PIN with the tool of the token; its owner may have to unlock it',
  },
  ERR_IDENTITY_TOKEN: {
    exit: 2,
    meaning: 'There is no identity token to sign with, or it has expired.',
    help: 'in GitHub: `permissions: id-token: write`; in GitLab: id_tokens with SIGSTORE_ID_TOKEN and aud sigstore; elsewhere ASSAY_IDENTITY_TOKEN_FILE',
  },
  ERR_SIGNER_FAILED: {
    exit: 4,
    meaning: "The signer's process ended or answered with nonsense.",
    help: 'run again; its message stands in the error',
  },
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof errorTable
