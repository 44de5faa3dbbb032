# R's surveillance over the weekly benchmark panel: one CSV row a method, panel, series and judged week.
#
#   Rscript benches/peers/surveillance.R FOLDER [EVERY [METHODS]] > peers.csv
#
# FOLDER has weekly/ (../shared/data/benchmark/README.md). EVERY = 20 takes each twentieth series (all is about a
# quarter of an hour a method and core). METHODS is a comma-separated choice of ff_nbPlugin,ff_muan,ff_delta,ears_C1,ears_C2.
# Columns: method,panel,series,week,observed,upper,alarm,p_value. Needs Debian's r-cran-surveillance.
suppressMessages(library(surveillance))
arguments <- commandArgs(TRUE)
folder <- file.path(arguments[1], "weekly")
every <- if (length(arguments) >= 2) as.integer(arguments[2]) else 1L
chosen <- if (length(arguments) >= 3) strsplit(arguments[3], ",")[[1]] else c("ff_nbPlugin", "ears_C1", "ears_C2")
read <- function(name) read.csv(gzfile(file.path(folder, paste0(name, ".csv.gz"))))
baseline <- read("baseline"); panel <- read("panel"); past <- read("past_outbreaks"); current <- read("current_outbreaks")
weeks <- grep("^w[0-9]+$", names(baseline))
judged <- 576:624

flexible <- function(threshold, periods, left_out, above, trend_p) function(series) farringtonFlexible(series, control = list(
  range = judged, b = 5, w = 3, noPeriods = periods, reweight = TRUE, weightsThreshold = above,
  pastWeeksNotIncluded = left_out, pThresholdTrend = trend_p, thresholdMethod = threshold, alpha = 0.01,
  limit54 = c(0, 4), powertrans = "2/3", trend = TRUE, populationOffset = FALSE))
# A floor of 0.5 under the standard deviation: without it EARS alarms at every count after a week of zeros.
ears <- function(method) function(series) earsC(series, control = list(
  range = judged, method = method, baseline = 7, minSigma = 0.5, alpha = 0.001))
methods <- list(ff_nbPlugin = flexible("nbPlugin", 10, 26, 2.58, 1), ff_muan = flexible("muan", 10, 26, 2.58, 1),
  ff_delta = flexible("delta", 1, 3, 1, 0.05), ears_C1 = ears("C1"), ears_C2 = ears("C2"))

observed <- function(place, k1, k2) {
  counts <- as.integer(baseline[place, weeks])
  id <- baseline$series[place]
  add <- function(counts, cases) { for (i in seq_len(nrow(cases))) counts[cases$week[i]] <- counts[cases$week[i]] + cases$cases[i]; counts }
  if (k1 > 0) counts <- add(counts, past[past$series == id & past$k1 == k1, ])
  if (k2 > 0) counts <- add(counts, current[current$series == id & current$k2 == k2, ])
  counts
}
number <- function(x) ifelse(is.na(x), "NA", trimws(formatC(as.numeric(x), digits = 17, format = "g")))
cat("method,panel,series,week,observed,upper,alarm,p_value\n")
for (place in seq(1, nrow(baseline), by = every)) {
  row <- panel[panel$series == baseline$series[place], ]
  made <- list(fpr = observed(place, row$fpr_k1, 0), pod = observed(place, row$pod_k1, row$pod_k2))
  for (name in names(made)) for (method in chosen) {
    series <- sts(observed = made[[name]], start = c(2001, 1), frequency = 52)
    result <- suppressWarnings(methods[[method]](series))
    p <- result@control$pvalue
    cat(paste(method, name, row$series, judged, made[[name]][judged], number(upperbound(result)),
      ifelse(is.na(alarms(result)), 0L, as.integer(alarms(result))),
      number(if (is.null(p)) rep(NA, length(judged)) else p), sep = ","), sep = "\n")
  }
}
