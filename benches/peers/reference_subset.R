# Numbers of R's surveillance for crates/statistics/tests/reference_subset_{series,expected}.csv.
#
#   Rscript benches/peers/reference_subset.R crates/statistics/tests
#
# The series are made here (seeded): "busy" has a season, a trend and two outbreaks, "sparse" is mostly zeros.
suppressMessages(library(surveillance))
folder <- commandArgs(TRUE)[1]
set.seed(20261122)
weeks <- 1:320
season <- cos(2 * pi * weeks / 52)
made <- list(
  busy = rnbinom(320, mu = exp(2.5 + 0.002 * weeks + 0.4 * season), size = 8),
  sparse = rnbinom(320, mu = exp(-1 + 0.5 * season), size = 2)
)
made$busy[c(120:124, 309:312)] <- made$busy[c(120:124, 309:312)] + c(8, 25, 30, 18, 6, 10, 30, 35, 20)
made$sparse[310:311] <- made$sparse[310:311] + c(3, 4)
judged <- 301:320

flexible <- function(threshold, periods, left_out, above, trend_p)
  function(series) farringtonFlexible(series, control = list(
    range = judged, b = 4, w = 3, noPeriods = periods, reweight = TRUE, weightsThreshold = above,
    pastWeeksNotIncluded = left_out, pThresholdTrend = trend_p, thresholdMethod = threshold, alpha = 0.01,
    limit54 = c(0, 4), powertrans = "2/3", trend = TRUE, populationOffset = FALSE))
chart <- function(alpha) function(series) glrnb(series, control = list(
  range = judged, c.ARL = 5, mu0 = list(S = 1, trend = TRUE), alpha = alpha, Mtilde = 1, M = -1,
  change = "intercept", ret = "value"))
ears <- function(method, alpha) function(series) earsC(series, control = list(
  range = judged, method = method, baseline = 7, minSigma = 0, alpha = alpha))
methods <- list(
  ff_nbPlugin = flexible("nbPlugin", 10, 26, 2.58, 1),
  ff_muan = flexible("muan", 10, 26, 2.58, 1),
  ff_delta = flexible("delta", 1, 3, 1, 0.05),
  farrington = function(series) farrington(series, control = list(
    range = judged, b = 4, w = 3, reweight = TRUE, alpha = 0.05, trend = TRUE, limit54 = c(5, 4),
    powertrans = "2/3")),
  ears_C1 = ears("C1", 0.001), ears_C2 = ears("C2", 0.001), ears_C3 = ears("C3", 0.025),
  cusum_std = function(series) cusum(series, control = list(
    range = judged, k = 1.04, h = 2.26, m = NULL, trans = "standard")),
  glrpois = chart(0), glrnb = chart(NULL),
  bayes1 = function(series) bayes(series, control = list(range = judged, b = 0, w = 6, actY = TRUE, alpha = 0.05)),
  rki1 = function(series) rki(series, control = list(range = judged, b = 0, w = 6, actY = TRUE))
)
number <- function(x) ifelse(is.na(x), "NA", trimws(formatC(as.numeric(x), digits = 17, format = "g")))
rows <- "dataset,unit,t,observed,upperbound,alarm,expected,score,pvalue,phi,trend,nb_alpha"
for (name in names(made)) for (method in names(methods)) {
  series <- sts(observed = made[[name]], start = c(2001, 1), frequency = 52)
  result <- try(suppressWarnings(methods[[method]](series)), silent = TRUE)
  if (inherits(result, "try-error")) next
  n <- length(judged)
  of <- function(field) { x <- result@control[[field]]; if (is.null(x)) rep(NA, n) else as.numeric(x) }
  is_flexible <- startsWith(method, "ff_")
  expected <- if (is_flexible) of("expected") else if (startsWith(method, "glr")) of("mu0") else rep(NA, n)
  blank <- rep(NA, n)
  alpha <- if (method == "glrnb") rep(result@control$alpha, n) else blank
  rows <- c(rows, paste(name, method, judged, made[[name]][judged], number(upperbound(result)),
    as.integer(alarms(result)), number(expected), "NA",
    number(if (is_flexible) of("pvalue") else blank), number(if (is_flexible) of("phiVector") else blank),
    number(if (is_flexible) of("trendVector") else blank), number(alpha), sep = ","))
}
writeLines(rows, file.path(folder, "reference_subset_expected.csv"))
writeLines(c("busy,sparse", paste(made$busy, made$sparse, sep = ",")), file.path(folder, "reference_subset_series.csv"))
