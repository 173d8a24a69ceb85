weir_pkg(PCRE2 libpcre2-8)
set(libraries PkgConfig::PCRE2)
