//! The schedule of a job as what systemd, cron and Kubernetes run it by: each of them wakes machines, keeps logs and starts
//! again what died better than a process that waits.

use std::fmt::Write;
use std::path::Path;

use croner::{CronComponent, CronPattern};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::job::Scheduled;
use crate::{Error, Result};

/// Characters of a CronJob's name.
const CRONJOB_NAME_MAX: usize = 52;
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// Bytes that a URL's path does not take as they are.
const IN_A_URL: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'<').add(b'>').add(b'?').add(b'\\');

/// Where the jobs are installed.
#[derive(Debug, Clone)]
pub struct Place {
    /// The folder from which they run: program, `secrets.env`, job files and output lie below it.
    pub directory: String,
    /// The user that runs them.
    pub user: String,
    /// The container image.
    pub image: String,
}

/// A file to install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub text: String,
}

/// A service and a timer for a job.
///
/// # Errors
/// When systemd cannot express the schedule.
pub fn systemd(job: &Scheduled, place: &Place) -> Result<Vec<Unit>> {
    let unit = format!("tieout-{}", job.name);
    let Place { directory, user, .. } = place;
    let job_file = printable(&job.path)?;
    let folder = Path::new(directory);
    let textfile = job.textfile.as_deref().and_then(Path::parent).map(|parent| folder.join(parent));
    let writable: Result<Vec<String>> =
        std::iter::once(folder.join(&job.output)).chain(textfile).map(|path| Ok(word(&printable(&path)?))).collect();
    let (writable, directory) = (writable?.join(" "), plain(directory));
    let service = format!(
        "# Copy to /etc/systemd/system/ together with {unit}.timer, then:\n\
         #   systemctl daemon-reload && systemctl enable --now {unit}.timer\n\
         # The folders in ReadWritePaths must be there, and {user}'s.\n\
         [Unit]\n\
         Description=tieout: fetch, reconcile and report ({name})\n\
         Documentation=file://{url}/README.md\n\
         Wants=network-online.target\n\
         After=network-online.target\n\
         \n\
         [Service]\n\
         Type=oneshot\n\
         User={user}\n\
         WorkingDirectory={directory}\n\
         EnvironmentFile={directory}/secrets.env\n\
         ExecStart={program} run {job_file}\n\
         # Open breaks are a result, not a failure of the service.\n\
         SuccessExitStatus=3\n\
         UMask=0027\n\
         NoNewPrivileges=true\n\
         ProtectSystem=strict\n\
         ProtectHome=true\n\
         PrivateTmp=true\n\
         ReadWritePaths={writable}\n",
        name = job.name,
        url = plain(&utf8_percent_encode(&place.directory, IN_A_URL).to_string()),
        program = word(&format!("{}/tieout", place.directory)),
        job_file = word(&job_file).replace('$', "$$"),
    );
    let pattern = job.schedule.pattern();
    let zone = job.schedule.zone();
    let calendar = calendar(job, pattern)?.into_iter().fold(String::new(), |mut lines, time| {
        writeln!(lines, "OnCalendar={time} {zone}").expect("a text takes any text");
        lines
    });
    // Spreads machines over the provider; not where a job runs several times an hour.
    let spread = if pattern.minutes.values().len() == 1 { "RandomizedDelaySec=5min\n" } else { "" };
    let timer = format!(
        "[Unit]\n\
         Description=tieout: when {name} runs ({cron} in {zone})\n\
         \n\
         [Timer]\n\
         {calendar}\
         # A machine that slept through it runs the job when it wakes.\n\
         Persistent=true\n\
         {spread}\
         \n\
         [Install]\n\
         WantedBy=timers.target\n",
        name = job.name,
        cron = plain(pattern.as_str()),
    );
    Ok(vec![
        Unit { name: format!("{unit}.service"), text: service },
        Unit { name: format!("{unit}.timer"), text: timer },
    ])
}

/// Times as systemd writes them. Two where either a day of the month or a weekday is enough.
fn calendar(job: &Scheduled, pattern: &CronPattern) -> Result<Vec<String>> {
    refuse_modifiers(job, pattern, "systemd's timers")?;
    let list = |component: &CronComponent| {
        if is_full(component) { "*".to_owned() } else { joined(&component.values(), |value| format!("{value:02}")) }
    };
    let (months, days) = (list(&pattern.months), list(&pattern.days));
    let time = format!("{}:{}:{}", list(&pattern.hours), list(&pattern.minutes), list(&pattern.seconds));
    let weekdays = joined(&weekdays(pattern), |day| WEEKDAYS[usize::from(day)].to_owned());
    let by_day = format!("*-{months}-{days} {time}");
    let by_weekday = format!("{weekdays} *-{months}-* {time}");
    Ok(match (pattern.is_dom_wildcard(), pattern.is_dow_wildcard()) {
        (_, true) => vec![by_day],
        (true, false) => vec![by_weekday],
        (false, false) => vec![by_day, by_weekday],
    })
}

/// Lines of a crontab for jobs.
///
/// # Errors
/// When cron cannot express a schedule.
pub fn crontab(jobs: &[Scheduled], place: &Place) -> Result<Unit> {
    let mut text = "\
# Append to the crontab of the user that runs tieout (crontab -e). The secrets stand in a file that only this user may
# read (chmod 600), as lines of NAME=value.
# cron mails what is printed; exit codes: 0 everything ties, 3 open breaks, 4 committed in part, 1 nothing committed,
# 2 wrong job file, 75 another run holds the output directory.
# cronie and its like go by CRON_TZ. Debian's cron does not: there the machine itself must be in that time zone.
"
    .to_owned();
    let mut zone = None;
    for job in jobs {
        if zone.replace(job.schedule.zone()) != Some(job.schedule.zone()) {
            writeln!(text, "CRON_TZ={}", job.schedule.zone()).expect("a text takes any text");
        }
        let command = format!(
            "cd {} && set -a && . ./secrets.env && set +a && ./tieout run {}",
            shell(&place.directory),
            shell(&printable(&job.path)?)
        );
        // cron ends a command at the first % that has no \ before it.
        let command = command.replace('%', "\\%");
        writeln!(text, "{} {command}", five_fields(job, "cron")?).expect("a text takes any text");
    }
    Ok(Unit { name: "crontab".to_owned(), text })
}

/// A CronJob for a job.
///
/// # Errors
/// When Kubernetes cannot express the schedule or the name.
#[allow(clippy::too_many_lines, reason = "all but a few of them are the one text that it writes")]
pub fn kubernetes(job: &Scheduled, place: &Place) -> Result<Unit> {
    let name = format!("tieout-{}", job.name);
    if name.len() > CRONJOB_NAME_MAX || name.ends_with('-') {
        let expected = format!(
            "expected a CronJob's name of at most {CRONJOB_NAME_MAX} characters that ends in a letter or digit"
        );
        return Err(Error::job(format!("{expected}, found {name}")).at(job.path.display()));
    }
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let path = |below: &Path| Ok::<_, Error>(quoted(&printable(&Path::new(&place.directory).join(below))?));
    let text = format!(
        r#"# kubectl apply -f {name}.yaml, beside:
#   kubectl create configmap {name} --from-file={file_name}=<the job file>
#   kubectl create secret generic tieout-secrets --from-env-file=secrets.env
#   kubectl create secret generic tieout-keys --from-file=id_rsa.pem
#   a PersistentVolumeClaim tieout-out that one pod at a time may write
# Kubernetes leaves out a time that the clock jumps over in spring; every other night is run once.
apiVersion: batch/v1
kind: CronJob
metadata:
  name: {name}
  labels:
    app.kubernetes.io/name: tieout
    app.kubernetes.io/instance: {name}
spec:
  schedule: {schedule}
  timeZone: {zone}
  concurrencyPolicy: Forbid
  # A cluster that was down runs the job when it is back, within this time.
  startingDeadlineSeconds: 21600
  successfulJobsHistoryLimit: 7
  failedJobsHistoryLimit: 7
  jobTemplate:
    spec:
      backoffLimit: 2
      # 2 needs somebody who mends the job file; 3 and 4 are results: running again changes none of them.
      podFailurePolicy:
        rules:
          - action: FailJob
            onExitCodes:
              containerName: tieout
              operator: In
              values: [2, 3, 4]
      template:
        metadata:
          labels:
            app.kubernetes.io/name: tieout
            app.kubernetes.io/instance: {name}
        spec:
          restartPolicy: Never
          automountServiceAccountToken: false
          terminationGracePeriodSeconds: 60
          securityContext:
            runAsNonRoot: true
            runAsUser: 10001
            fsGroup: 10001
            seccompProfile:
              type: RuntimeDefault
          containers:
            - name: tieout
              image: {image}
              workingDir: {directory}
              args: ["--log-format", "json", "run", {job_file}]
              envFrom:
                - secretRef:
                    name: tieout-secrets
              securityContext:
                allowPrivilegeEscalation: false
                readOnlyRootFilesystem: true
                capabilities:
                  drop: ["ALL"]
              resources:
                requests:
                  cpu: 250m
                  memory: 256Mi
              volumeMounts:
                - name: job
                  mountPath: {job_file}
                  subPath: {file_name}
                  readOnly: true
                - name: keys
                  mountPath: {keys}
                  readOnly: true
                - name: out
                  mountPath: {out}
                - name: tmp
                  mountPath: /tmp
          volumes:
            - name: job
              configMap:
                name: {name}
            - name: keys
              secret:
                secretName: tieout-keys
                defaultMode: 0400
            - name: out
              persistentVolumeClaim:
                claimName: tieout-out
            - name: tmp
              emptyDir: {{}}
"#,
        schedule = quoted(&five_fields(job, "Kubernetes")?),
        zone = job.schedule.zone(),
        image = quoted(&place.image),
        directory = quoted(&place.directory),
        job_file = path(&job.path)?,
        file_name = quoted(&printable(Path::new(job.path.file_name().unwrap_or_default()))?),
        keys = path(&job.path.with_file_name("keys"))?,
        out = path(&job.output)?,
    );
    Ok(Unit { name: format!("{name}.yaml"), text })
}

/// The schedule in the five fields that every cron understands: lists of numbers and stars.
fn five_fields(job: &Scheduled, whom: &str) -> Result<String> {
    let pattern = job.schedule.pattern();
    refuse_modifiers(job, pattern, whom)?;
    if pattern.seconds.values() != [0] {
        return Err(cannot(job, whom, "seconds"));
    }
    let list = |component: &CronComponent| {
        if is_full(component) { "*".to_owned() } else { joined(&component.values(), |value| value.to_string()) }
    };
    // A star there means that the other of the two decides; a full list means that every day will do.
    let days =
        if pattern.is_dom_wildcard() { "*".to_owned() } else { joined(&pattern.days.values(), |day| day.to_string()) };
    let weekdays =
        if pattern.is_dow_wildcard() { "*".to_owned() } else { joined(&weekdays(pattern), |day| day.to_string()) };
    let (minutes, hours, months) = (list(&pattern.minutes), list(&pattern.hours), list(&pattern.months));
    Ok(format!("{minutes} {hours} {days} {months} {weekdays}"))
}

fn refuse_modifiers(job: &Scheduled, pattern: &CronPattern, whom: &str) -> Result<()> {
    if pattern.days.has_modifiers() || pattern.days_of_week.has_modifiers() {
        return Err(cannot(job, whom, "L, W and #"));
    }
    if is_full(&pattern.years) { Ok(()) } else { Err(cannot(job, whom, "years")) }
}

fn cannot(job: &Scheduled, whom: &str, what: &str) -> Error {
    let found = job.schedule.pattern().as_str();
    Error::job(format!("{whom} cannot express {what} of the schedule \"{found}\""))
        .at(job.path.display())
        .hint("choose another schedule, or let `tieout schedule` itself run the job")
}

fn is_full(component: &CronComponent) -> bool {
    component.values().len() == usize::from(component.max - component.min) + 1
}

/// From 0, Sunday, to 6.
fn weekdays(pattern: &CronPattern) -> Vec<u16> {
    let mut days: Vec<u16> = pattern.days_of_week.values().into_iter().map(|day| day % 7).collect();
    days.sort_unstable();
    days.dedup();
    days
}

fn joined(values: &[u16], write: impl Fn(u16) -> String) -> String {
    values.iter().map(|value| write(*value)).collect::<Vec<_>>().join(",")
}

/// A path that can stand in a line.
fn printable(path: &Path) -> Result<String> {
    let text = path.to_str().filter(|text| !text.chars().any(char::is_control));
    text.map(str::to_owned)
        .ok_or_else(|| Error::usage("expected a path that can be written on a line").at(path.display()))
}

/// A text that systemd takes as it is, but for `%`.
fn plain(text: &str) -> String {
    text.replace('%', "%%")
}

/// A word of a line of systemd's.
fn word(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./,+=@:%".contains(letter);
    let text = plain(text);
    if text.chars().all(is_plain) { text } else { format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")) }
}

/// A word of a shell's line.
fn shell(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./,+=@:%".contains(letter);
    if text.chars().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
