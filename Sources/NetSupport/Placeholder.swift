// NetSupport
